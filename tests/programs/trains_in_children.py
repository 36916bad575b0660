"""Trains in so many processes, begun as the first argument says; the third says who begins them."""

import multiprocessing
import os
import sys

import torch

torch.set_num_threads(1)


def train(rank, fails=False):
    w = torch.ones(2, requires_grad=True)
    for _ in range(2):
        (w * w).sum().backward()
    if fails:
        torch.ones(2).sum().backward()


def train_group(rank, size, port):
    import torch.distributed as dist

    dist.init_process_group("gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=size)
    net = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(2, 1))
    net(torch.ones(3, 2)).sum().backward()
    dist.destroy_process_group()


def free_port():
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def load(start):
    data = torch.utils.data.TensorDataset(torch.ones(8, 2))
    loader = torch.utils.data.DataLoader(data, 4, num_workers=2, multiprocessing_context=start)
    w = torch.ones(2, requires_grad=True)
    for (x,) in loader:
        (x * w).sum().backward()


if __name__ == "__main__":
    start, count, who = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    if who == "loader":
        load(start)
    elif who == "ddp":
        torch.multiprocessing.start_processes(train_group, (count, free_port()), count, start_method=start)
    elif who == "os":
        for rank in range(count):
            if not os.fork():
                train(rank)
                os._exit(0)
            os.wait()
    else:
        context = multiprocessing.get_context(start)
        started = [context.Process(target=train, args=(i, who == "fails")) for i in range(count)]
        for process in started:
            process.start()
        for process in started:
            process.join()
        print([process.exitcode for process in started])
