"""lading carries trained models from where they are made to where they run, and proves the bytes."""

__version__ = "0.1.0"
