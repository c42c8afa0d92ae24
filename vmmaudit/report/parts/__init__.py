"""The parts of the report, a module for each; every function takes the material alone."""
