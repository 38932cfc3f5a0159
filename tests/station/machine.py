# SPDX-License-Identifier: Apache-2.0
# The station as a virtual machine: boots it, runs commands in it, sees its screen, types, plugs things in and out.
import base64
import json
import os
import queue
import re
import socket
import struct
import subprocess
import threading
import time
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
STORE = os.path.join(TREE, "build", "station")

# The station has its own deadlines (guest.bash), so that a failure says what was waited for; these are longer than any.
PATIENCE = 5


class Trouble(Exception):
    """Something did not come, or was not as it should be. The text says what, for people."""


class Lines:
    """A UNIX socket on which QEMU talks in lines, read by a thread of its own, so that nothing is lost or waits."""

    def __init__(self, path, seconds, alive):
        self.socket = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + seconds
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError as e:
                if time.monotonic() > end or not alive():
                    raise Trouble("QEMU does not answer on %s: %s" % (path, e)) from e
                time.sleep(0.05)  # QEMU is still starting; it has no way to tell us
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            with self.socket.makefile("rb") as f:
                for line in f:
                    self.lines.put(line.decode(errors="replace"))
        except OSError:
            pass  # QEMU has ended
        self.lines.put(None)

    def send(self, text):
        self.socket.sendall(text.encode())

    def next(self, end, what):
        try:
            line = self.lines.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            raise Trouble("waited in vain for " + what) from None
        if line is None:
            raise Trouble("the machine ended while we waited for " + what)
        return line


def kvm_works(image):
    """/dev/kvm may be there and still not run an ordinary kernel: only a kernel that has begun to talk proves it, once
    for each kernel of the machine that tests."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    known = "%s/accelerator-%s" % (STORE, os.uname().release)
    if os.path.exists(known):
        with open(known, encoding="ascii") as f:
            return f.read().strip() == "kvm"
    command = ["timeout", "20", "qemu-system-x86_64", "-accel", "kvm", "-m", "512", "-nodefaults", "-no-reboot",
               "-display", "none", "-serial", "stdio", "-kernel", image + "/vmlinuz",
               "-append", "console=ttyS0 panic=-1 root=/dev/none"]
    probe = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                           check=False)
    works = b"Kernel panic" in probe.stdout
    with open(known, "w", encoding="ascii") as f:
        f.write("kvm\n" if works else "tcg\n")
    return works


def write_png(ppm, name):
    """A PPM file's bytes as a PNG file."""
    _, size, _, pixels = ppm.split(b"\n", 3)
    width, height = (int(n) for n in size.split())
    lines = b"".join(b"\0" + pixels[y * width * 3:(y + 1) * width * 3] for y in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    with open(name, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
                chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


class Machine:
    def __init__(self, image, work, share):
        self.image, self.work, self.share = image, work, share
        self.process = None
        self.calls = 0
        self.answers = {}
        self.plugged = []
        self.talking = threading.Lock()  # one question to QEMU at a time
        self.dumping = None
        self.typing = None
        self.catching = None
        self.fresh = time.time()  # what it was given is not older
        os.makedirs(work, exist_ok=True)

    # --- starting and ending

    def start(self):
        """On a new disk."""
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", self.image + "/disk.raw", "-F", "raw",
                        self.path("disk.qcow2")], check=True)
        if os.path.exists(self.path("serial.log")):
            os.unlink(self.path("serial.log"))
        self.boot()

    def boot(self):
        """On the disk as it is, until the station takes commands."""
        self.launch()
        end = time.monotonic() + 240
        while "agent ready" not in self.agent.next(end, "the station's boot"):
            pass

    def launch(self, *options):
        for name in ("qmp", "agent"):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        accelerator = "kvm" if kvm_works(self.image) else "tcg,thread=multi"
        command = [
            "setpriv", "--pdeathsig", "TERM",  # it ends with us, however we end
            "qemu-system-x86_64", "-accel", accelerator, "-m", "1536", "-smp", "1", "-nodefaults", "-no-reboot",
            "-display", "none", "-vga", "std", "-serial", "chardev:serial",
            "-chardev", "file,id=serial,append=on,path=" + self.path("serial.log"),
            "-qmp", "unix:%s,server=on,wait=off" % self.path("qmp"),
            # With cache=unsafe a flush of the guest brings what it wrote, and QEMU's own tables, to the kernel of the
            # machine that tests, and no further. So a SIGKILL of QEMU is a power cut: what was flushed is there, what
            # was in the guest's memory, or in a cluster that no flushed table names, is gone.
            "-drive", "file=%s,if=virtio,format=qcow2,cache=unsafe" % self.path("disk.qcow2"),
            "-kernel", self.image + "/vmlinuz", "-initrd", self.image + "/initrd",
            "-append", "root=/dev/vda rw console=tty0 console=ttyS0 mitigations=off quiet systemd.show_status=1 "
                       "random.trust_cpu=on",
            "-virtfs", "local,path=%s,mount_tag=share,security_model=none" % self.share,
            "-device", "virtio-serial", "-chardev", "socket,id=agent,path=%s,server=on,wait=off" % self.path("agent"),
            "-device", "virtserialport,chardev=agent,name=station",
            "-device", "virtio-rng-pci", "-device", "qemu-xhci,id=usb", "-device", "usb-tablet", "-device", "usb-kbd",
            *options,
        ]
        with open(self.path("qemu.log"), "wb") as log:
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)
        self.monitor = Lines(self.path("qmp"), 20, self.alive)
        self.monitor.next(time.monotonic() + 20, "QEMU's greeting")
        self.qmp("qmp_capabilities")
        self.agent = Lines(self.path("agent"), 20, self.alive)
        self.answers.clear()
        self.plugged.clear()

    def path(self, name):
        return os.path.join(self.work, name)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def cut(self):
        """The power fails."""
        self.process.kill()
        self.process.wait()

    def wait_for_reset(self, seconds=120):
        """QEMU ends where a machine would start again (-no-reboot)."""
        try:
            self.process.wait(PATIENCE * seconds)
        except subprocess.TimeoutExpired:
            raise Trouble("the station did not go down within %d s" % (PATIENCE * seconds)) from None

    def end(self):
        if self.process is None:
            return
        if self.alive():
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None
        if os.path.exists(self.path("disk.qcow2")):
            os.unlink(self.path("disk.qcow2"))

    # --- commands in the station

    def begin(self, command):
        """Starts a bash command as root, outside any session; returns the call to wait for."""
        self.calls += 1
        call = "c%d" % self.calls
        self.agent.send("%s %s\n" % (call, base64.b64encode(command.encode()).decode()))
        return call

    def result(self, call, seconds, what):
        end = time.monotonic() + PATIENCE * seconds
        while call not in self.answers:
            parts = self.agent.next(end, what).split()
            if len(parts) >= 2 and re.fullmatch(r"c\d+", parts[0]):
                text = base64.b64decode(parts[2]).decode(errors="replace") if len(parts) > 2 else ""
                self.answers[parts[0]] = (int(parts[1]), text)
        return self.answers.pop(call)

    def run(self, command, seconds=60):
        """(exit status, output) of a bash command."""
        return self.result(self.begin(command), seconds, "the end of: " + command)

    def must(self, command, seconds=60):
        status, text = self.run(command, seconds)
        if status != 0:
            raise Trouble("exit status %d of: %s\n%s" % (status, command, text.rstrip()))
        return text

    # --- the machine's own controls

    def qmp(self, command, seconds=120, **arguments):
        with self.talking:
            self.monitor.send(json.dumps({"execute": command, "arguments": arguments}) + "\n")
            end = time.monotonic() + seconds
            while True:
                answer = json.loads(self.monitor.next(end, "QEMU's answer to " + command))
                if "error" in answer:
                    raise Trouble("QEMU refuses %s: %s" % (command, answer["error"].get("desc")))
                if "return" in answer:
                    return answer["return"]

    def human(self, line):
        said = self.qmp("human-monitor-command", **{"command-line": line})
        if said.strip():
            raise Trouble("QEMU says to %s: %s" % (line, said.strip()))

    def save(self, name):
        self.human("savevm " + name)

    def load(self, name):
        """The moment that was saved, also when the machine is gone. What was plugged in since is not part of it."""
        if not self.alive():
            self.launch("-loadvm", name)
            return
        if self.dumping:
            self.dumps_end()  # of a scenario that failed
        self.typing_end()
        self.catch_end(None, 0)
        for device in list(self.plugged):
            self.unplug(device)
        self.answers.clear()
        self.human("loadvm " + name)

    def plug(self, device, driver, **properties):
        self.qmp("device_add", id=device, driver=driver, **properties)
        self.plugged.append(device)

    def unplug(self, device):
        self.qmp("device_del", id=device)
        self.plugged.remove(device)

    def screen(self, name="screen.ppm"):
        """The pixels of the screen, as a PPM file has them."""
        name = self.path(name)
        self.qmp("screendump", filename=name, format="ppm")
        with open(name, "rb") as f:
            return f.read()

    def shows(self, colour, name="screen.ppm"):
        """Whether a piece of the screen has that colour (three bytes)."""
        return colour * 32 in self.screen(name)

    def dumps_begin(self, colour):
        """The screen is dumped again and again, beside whatever follows, and searched for that colour."""
        end, counts = threading.Event(), [0, 0]

        def dump():
            while not end.is_set():
                counts[1] += self.shows(colour, "watch.ppm")
                counts[0] += 1

        thread = threading.Thread(target=dump, daemon=True)
        self.dumping = (end, counts, thread)
        thread.start()

    def dumps_end(self):
        """(how many dumps there were, how many showed it)"""
        end, counts, thread = self.dumping
        end.set()
        thread.join(30)
        self.dumping = None
        return tuple(counts)

    def typing_begin(self, key):
        """Somebody presses that key again and again, beside whatever follows."""
        end = threading.Event()

        def type_on():
            while not end.wait(0.1):
                self.press(key)

        thread = threading.Thread(target=type_on, daemon=True)
        self.typing = (end, thread)
        thread.start()

    def typing_end(self):
        if self.typing:
            end, thread = self.typing
            end.set()
            thread.join(30)
            self.typing = None

    def catch_begin(self, colour):
        """The last dump that has so much of that colour is kept, beside whatever follows: what is on the screen for two
        seconds. What is parked is covered in that colour too, and comes before."""
        end, gone, caught = threading.Event(), threading.Event(), []

        def look():
            while not end.is_set() and not gone.is_set():
                pixels = self.screen("catch.ppm")
                if colour * 1000 in pixels:
                    caught[:] = [pixels]
                elif caught:
                    gone.set()

        thread = threading.Thread(target=look, daemon=True)
        self.catching = (end, gone, caught, thread)
        thread.start()

    def catch_end(self, name=None, seconds=30):
        """Makes a photo of it once it is gone. Whether there was one."""
        if not self.catching:
            return False
        end, gone, caught, thread = self.catching
        gone.wait(seconds)
        end.set()
        thread.join(30)
        self.catching = None
        if caught and name:
            write_png(caught[0], name)
        return bool(caught)

    def photo(self, name, seconds=15):
        """A PNG of the screen once it is the same twice in a row: under emulation a window is drawn for a while."""
        end = time.monotonic() + seconds
        last = self.screen()
        while True:
            time.sleep(0.4)  # between two looks at the screen: it announces nothing
            now = self.screen()
            if now == last or time.monotonic() > end:
                break
            last = now
        self.qmp("screendump", filename=name, format="png")

    KEYS = {" ": ["spc"], "\n": ["ret"], "-": ["minus"], ".": ["dot"], "/": ["slash"], "_": ["shift", "minus"]}

    def press(self, *keys):
        for down, order in ((True, keys), (False, reversed(keys))):
            self.qmp("input-send-event", events=[
                {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": k}}} for k in order])

    def click(self, x, y, width=1280, height=800):
        self.qmp("input-send-event", events=[
            {"type": "abs", "data": {"axis": axis, "value": at * 32767 // size}}
            for axis, at, size in (("x", x, width), ("y", y, height))])
        for down in (True, False):
            self.qmp("input-send-event", events=[{"type": "btn", "data": {"down": down, "button": "left"}}])

    def type(self, text):
        """As fast as a person: QEMU's keyboard keeps 16 events, and drops what is more without a word."""
        for c in text:
            time.sleep(0.12)
            if c in self.KEYS:
                self.press(*self.KEYS[c])
            elif c.isupper():
                self.press("shift", c.lower())
            else:
                self.press(c)
