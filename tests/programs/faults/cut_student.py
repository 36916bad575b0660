"""The student is frozen too, by the helper that freezes the teacher."""

import torch
from torch import nn


def freeze(module):
    for parameter in module.parameters():
        parameter.requires_grad = False  # at fault


teacher, student = nn.Linear(4, 2), nn.Linear(4, 2)
optimizer = torch.optim.SGD(student.parameters(), 0.1)
freeze(teacher)
freeze(student)
x = torch.randn(3, 4)
with torch.no_grad():
    wanted = teacher(x)
(student(x) - wanted).pow(2).mean().backward()
