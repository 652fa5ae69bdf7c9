"""The exercises of research."""
