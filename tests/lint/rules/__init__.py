"""One rule a module; each has check(root) -> list of findings, "path:line: what is wrong"."""
