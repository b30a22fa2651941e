"""The command line: parse, call the api, show."""
