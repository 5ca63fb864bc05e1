"""One TOML file for each named experiment."""
