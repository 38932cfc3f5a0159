# SPDX-License-Identifier: Apache-2.0
# The moment from which every scenario begins: the package installed, people enrolled, the greeter waiting for a tap. It
# is kept on its disk in build/station/ready-HASH, where HASH is of everything that went in, and is there again within
# seconds until something of that changes.
import base64
import hashlib
import inspect
import os
import shutil
import subprocess
import time

from machine import HERE, STORE, Trouble, kvm_works


def say(text):
    print(text, flush=True)


def hash_of_all(machine, *recipe):
    version = subprocess.run(["qemu-system-x86_64", "--version"], stdout=subprocess.PIPE, check=True, text=True).stdout
    # The name of the image's folder is the hash of what is in it; the kept disk has the whole path.
    total = hashlib.sha256("\0".join([machine.image, str(kvm_works(machine.image)), version, *recipe]).encode())
    files = [os.path.join(folder, name) for folder, _, names in os.walk(machine.share) for name in names]
    for path in sorted(files) + [HERE + "/machine.py"]:
        with open(path, "rb") as f:
            total.update(path.encode() + b"\0" + hashlib.sha256(f.read()).digest())
    return total.hexdigest()[:16]


def keep(machine, folder):
    """The disk goes to its folder only when QEMU has written all of it and ended: nothing half-made is ever used."""
    machine.qmp("quit")
    if machine.process.wait(60) != 0:
        raise Trouble("QEMU could not end: see " + machine.path("qemu.log"))
    for name in os.listdir(STORE):
        if name.startswith("ready-"):
            shutil.rmtree(os.path.join(STORE, name))
    os.mkdir(folder)
    os.rename(machine.path("disk.qcow2"), folder + "/disk.qcow2")


def start(machine, prepare, people):
    """Starts the machine at that moment. Where there is none, prepare(machine) makes it, and saves it as "ready"."""
    folder = "%s/ready-%s" % (STORE, hash_of_all(machine, inspect.getsource(prepare), repr(people)))
    if not os.path.exists(folder + "/disk.qcow2"):
        prepare(machine)
        keep(machine, folder)
    started = time.monotonic()
    # A copy: what a scenario does to its disk, and to QEMU, must not reach the next run.
    subprocess.run(["cp", "--reflink=auto", folder + "/disk.qcow2", machine.path("disk.qcow2")], check=True)
    begin(machine)
    say("ready in %.0f s, from what is kept in %s" % (time.monotonic() - started, os.path.relpath(folder)))


def begin(machine):
    """Goes to that moment. The station's clock stood still since, so it is set: else the first reboot, which asks the
    machine's clock, would be a jump in the middle of a scenario. Its random numbers are of that moment as well, so it is
    given new ones: else every scenario would see the same ids, codes and challenges."""
    machine.load("ready")
    machine.must("date --set=@%.3f >/dev/null" % time.time())
    machine.must(". /opt/station/guest.bash; new_random_numbers " + base64.b64encode(os.urandom(64)).decode())
