"""How records come in: files into MongoDB (`load`), MongoDB into snapshots (`snapshot`)."""
