from littlegrad.engine import Value

__all__ = ["Value"]
