"""Write a version's report, model card and bill of materials from its documents."""
