"""The witness: cosigns the checkpoints of logs it watches, each an extension of the one before, and nothing else."""
