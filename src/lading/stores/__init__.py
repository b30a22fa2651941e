"""Where bytes live: one file and one row in the scheme table for each kind of store."""
