"""The routes, a module per function; each calls one use case and maps its result."""
