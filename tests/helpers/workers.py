"""Workers of one run in processes of their own, and what can befall one of them."""

import contextlib
import os
import selectors
import socket
import threading
import time

from ressl_tf.runtime import rendezvous

NETWORK = """
import keras


def make():
    images = keras.Input((16, 16, 3))
    maps = keras.layers.Conv2D(8, 3, 4)(images)
    return keras.Model(images, keras.layers.GlobalAveragePooling2D()(maps))
"""


def start(commands, count, flags, befalls=None):
    """Start the workers; `befalls` has what befalls some of them, by their index."""
    address = f"127.0.0.1:{rendezvous.free_port()}"
    return [
        commands.start(
            "train",
            *flags,
            f"--coordinator_address={address}",
            f"--num_workers={count}",
            f"--worker_index={index}",
            first=(befalls or {}).get(index, ShortHeartbeats()),
        )
        for index in range(count)
    ]


def finish(processes, timeout=180):
    """Return exit status, stdout and last line of stderr of each."""
    ends = []
    for process in processes:
        out, err = process.communicate(timeout)
        last = (err.strip().splitlines() or [""])[-1]
        ends.append((process.returncode, out, last))
    return ends


class ShortHeartbeats:
    """Give a silent worker up after 10 seconds, TensorFlow's least."""

    def __call__(self):
        from ressl_tf.runtime import distribute

        distribute.HEARTBEAT_SECONDS = 10


class After(ShortHeartbeats):
    """Do something to this process after a step of its own, once."""

    def __init__(self, step, action, *arguments):
        self.step, self.action, self.arguments = step, action, arguments

    def __call__(self):
        from ressl_tf.engine.callbacks import WatchNaN

        super().__call__()
        checked = WatchNaN.on_train_batch_end

        def check(callback, batch, logs=None):
            checked(callback, batch, logs)
            if callback.model.step == self.step:
                self.action(*self.arguments)

        WatchNaN.on_train_batch_end = check


class Version(ShortHeartbeats):
    """Be another version of the package."""

    def __call__(self):
        import ressl_tf

        super().__call__()
        ressl_tf.__version__ = "0.0.1"


class Behind(ShortHeartbeats):
    """Reach the other workers through the ports of their proxies."""

    def __init__(self, own, ports):
        self.own, self.ports = own, ports

    def __call__(self):
        super().__call__()
        found = rendezvous.rendezvous

        def find(coordinator, count, index, seconds=60.0):
            # The list is the same for all; a proxy knows the port when it is asked to.
            workers = list(found(coordinator, count, index, seconds).workers)
            for other, proxy in self.ports.items():
                if other != self.own:
                    with socket.create_connection(("127.0.0.1", proxy)) as line:
                        line.sendall(f"to {workers[other]}\n".encode())
                        line.recv(1)
                    workers[other] = f"127.0.0.1:{proxy}"
            return rendezvous.Cluster(tuple(workers), index)

        rendezvous.rendezvous = find


class Proxy:
    """A cable between workers that can be pulled: nothing passes, nobody is told."""

    def __init__(self):
        self._server = socket.create_server(("127.0.0.1", 0))
        self._lines = [self._server]
        self.port = self._server.getsockname()[1]
        self._target, self._pulled = "", threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def pull(self):
        """Let nothing more through."""
        self._pulled.set()

    def close(self):
        """Hang up."""
        for line in self._lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._server.accept()
                self._lines.append(line)
                if line.recv(3, socket.MSG_PEEK) == b"to ":
                    self._target = line.recv(65536).decode().split()[1]
                    line.sendall(b"!")
                else:
                    threading.Thread(
                        target=self._pass_on, args=(line,), daemon=True
                    ).start()

    def _pass_on(self, line):
        other = self._reach()
        self._lines.append(other)
        selector = selectors.DefaultSelector()
        selector.register(line, selectors.EVENT_READ, other)
        selector.register(other, selectors.EVENT_READ, line)
        with selector, contextlib.suppress(OSError):
            while not self._pulled.is_set():
                for key, _ in selector.select(1.0):
                    read = key.fileobj.recv(65536)
                    if self._pulled.is_set():
                        return
                    if not read:
                        line.shutdown(socket.SHUT_RDWR)
                        other.shutdown(socket.SHUT_RDWR)
                        return
                    key.data.sendall(read)

    def _reach(self):
        host, port = self._target.rsplit(":", 1)
        while True:
            try:
                return socket.create_connection((host, int(port)))
            except ConnectionRefusedError:
                time.sleep(0.1)


def own_signal(number):
    """Send this process a signal."""
    os.kill(os.getpid(), number)
