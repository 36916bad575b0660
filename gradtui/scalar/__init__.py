"""The bundled scalar engine: `Value` here, `Neuron`, `Layer` and `MLP` in `gradtui.scalar.nn`.

Works on plain numbers with the standard library only. It knows nothing of the debugger, which
watches it exactly as it watches any other engine of this shape.
"""

from gradtui.scalar.engine import Value

__all__ = ["Value"]
