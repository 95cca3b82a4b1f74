"""Pure rules: whether a checkpoint may be cosigned."""
