"""Bytes: atomic files, hashing, placing."""
