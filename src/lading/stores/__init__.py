"""Where bytes live: one file for each kind of store; ``schemes`` has a row for each scheme."""
