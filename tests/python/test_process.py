"""Threads, signals and the end of the process: nothing hangs, nothing crashes."""
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

import gemma4
from conftest import NANO


@pytest.fixture(autouse=True)
def needs_nano(nano):
    pass


def run(program, *arguments, timeout=60, **options):
    return subprocess.run([sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(program), str(NANO), *arguments],
                          capture_output=True, text=True, timeout=timeout, **options)


@pytest.mark.parametrize("daemon", [False, True])
@pytest.mark.parametrize("work", ["generate", "chat", "load", "prefill", "decode"])
def test_the_process_ends_while_threads_work(work, daemon):
    done = run('''
        import sys, threading, time
        import gemma4

        model = gemma4.Model(sys.argv[1], threads=2)
        ids = [1 + i % 300 for i in range(4000)]

        def generate():
            for _ in gemma4.generate(gemma4.Session(model, context_length=8192), ids, max_tokens=400, stop_at_eos=False): pass

        def chat():
            for _ in range(20): gemma4.Chat(model).send("What is 17 + 25?")

        def load():
            for _ in range(20): gemma4.Model(sys.argv[1], threads=2, progress=lambda done, total: None)

        def prefill():
            gemma4.Session(model, context_length=8192).prefill(ids * 2, progress=lambda done, total: None)

        def decode():
            session = gemma4.Session(model, context_length=8192)
            for i in range(400): session.decode(1 + i % 300)

        for _ in range(4):
            threading.Thread(target=globals()[sys.argv[2]], daemon=sys.argv[3] == "True").start()
        time.sleep(0.1)
        print("end of the program")
    ''', work, str(daemon))
    assert done.returncode == 0 and done.stdout == "end of the program\n", done.stderr
    assert daemon or done.stderr == ""


def test_objects_in_a_cycle_at_exit():
    done = run('''
        import sys
        import gemma4

        class Holder: pass
        holder = Holder()
        holder.self = holder
        holder.model = gemma4.Model(sys.argv[1])
        holder.session = gemma4.Session(holder.model)
        holder.generation = gemma4.generate(holder.session, [1, 2, 3])
        next(holder.generation)
        holder.stream = gemma4.Chat(holder.model).stream("Hello")
        next(holder.stream)
        sys.modules["gemma4"].held = holder
        print("done")
    ''')
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_many_threads_over_one_model(nano, ask):
    questions = ["What is %d + %d?" % (a, b) for a in (11, 17, 23, 40) for b in (2, 25)]
    expected = {q: gemma4.Chat(nano, sampler=gemma4.Sampler(temperature=0.0)).send(q).text for q in questions}
    got = {}

    def work(question):
        got[question] = gemma4.Chat(nano, sampler=gemma4.Sampler(temperature=0.0)).send(question).text
    threads = [threading.Thread(target=work, args=(q,)) for q in questions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == expected


@pytest.mark.parametrize("call", ["list(gemma4.generate(session, ids, max_tokens=100000, stop_at_eos=False))",
                                  "[None for _ in gemma4.generate(session, [1], stop_at_eos=False, stop=['~nowhere~'])]",
                                  "list(gemma4.generate(session, [1], max_tokens=100000, stop_at_eos=False))",
                                  "session.prefill(ids * 10, logits=False)",
                                  "[gemma4.Chat(model, loop_tokens=0).send('Hello', max_tokens=3000) for _ in range(500)]"])
def test_ctrl_c_is_a_keyboard_interrupt_soon(call):
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent('''
        import sys, signal
        signal.signal(signal.SIGINT, signal.default_int_handler)
        import gemma4
        model = gemma4.Model(sys.argv[1], threads=1)
        session = gemma4.Session(model, context_length=300000)
        ids = [1 + i %% 300 for i in range(20000)]
        print("ready", flush=True)
        try:
            %s
        except KeyboardInterrupt:
            print("interrupted", session.position, flush=True)
            session.decode(1)
    ''') % call, str(NANO)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    begin = time.monotonic()
    out, err = process.communicate(timeout=30)
    assert out.startswith("interrupted") and process.returncode == 0, (out, err)
    assert time.monotonic() - begin < 5


def in_child(work):
    """What work() returns, or the code of its Error, from a process that forked."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            answer = str(work())
        except gemma4.Error as error:
            answer = error.code
        except BaseException as error:
            answer = repr(error)
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        answer = pipe.read()
    os.waitpid(pid, 0)
    return answer


def test_what_a_fork_leaves_behind_is_refused(nano):
    session, chat, sampler = gemma4.Session(nano), gemma4.Chat(nano), gemma4.Sampler()
    session.prefill([1, 2])
    for work in (lambda: session.prefill([1]), lambda: session.decode(1), lambda: gemma4.Session(nano), lambda: gemma4.Chat(nano),
                 lambda: chat.send("x"), lambda: list(gemma4.generate(session, [1]))):
        assert in_child(work) == "unsupported"

    def anew():
        with gemma4.Model(NANO, threads=2) as model:
            return gemma4.Chat(model, sampler=gemma4.Sampler(temperature=0.0)).send("What is 17 + 25?").text

    def dropped():
        nonlocal session, chat
        session.close()
        session = chat = None
        return "fine"
    assert in_child(anew) == "42"
    assert in_child(dropped) == "fine"
    assert in_child(lambda: len(sampler.options) > 0) == "True"
    assert session.position == 2 and session.decode(3).size > 0
