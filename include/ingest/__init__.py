"""How records come in: files into MongoDB (`load`), MongoDB into immutable snapshots (`snapshot`)."""
