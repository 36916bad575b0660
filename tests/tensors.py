"""Nets, graphs and values that the tests of watching torch share."""

from __future__ import annotations

from typing import Any

import torch


def values(x: Any) -> Any:
    """The entries of a summary, None for None."""
    return None if x is None else list(x.values)


def nodes_below(root: torch.Tensor) -> list[Any]:
    found, stack, seen = [], [root.grad_fn], set()
    while stack:
        node = stack.pop()
        if node is not None and node not in seen:
            seen.add(node)
            found.append(node)
            stack.extend(f for f, _ in node.next_functions)
    return found


def network() -> tuple[torch.nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    return net, torch.randn(5, 3)
