"""``hvd.Compression``: what gradients are sent as."""

from typing import Any


class _Whole:
    """As they are."""

    @staticmethod
    def compress(tensor: Any) -> tuple[Any, Any]:
        return tensor, None

    @staticmethod
    def decompress(tensor: Any, context: Any) -> Any:
        return tensor


class _Half:
    """Floating-point numbers with 16 bits."""

    @staticmethod
    def compress(tensor: Any) -> tuple[Any, Any]:
        if not tensor.is_floating_point():
            return tensor, None
        return tensor.half(), tensor.dtype

    @staticmethod
    def decompress(tensor: Any, context: Any) -> Any:
        return tensor if context is None else tensor.to(context)


class Compression:
    """The ways that there are."""

    none = _Whole
    fp16 = _Half
