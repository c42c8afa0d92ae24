"""The only part that touches the network: scope in, evidence out; it decides nothing."""
