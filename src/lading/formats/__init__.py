"""Bytes to a model in memory: one file and one row in the format table for each format."""
