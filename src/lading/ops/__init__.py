"""Verbs over ports, one file each; they print nothing."""
