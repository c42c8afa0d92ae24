"""Audit the prerequisites of shared ISO images in System Center VMM."""
