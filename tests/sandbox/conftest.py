from tests.sandbox.place import project

__all__ = ["project"]
