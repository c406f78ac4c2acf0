"""What trainer and scorer share: model, record schema, graph allow-list, ids, explanations."""
