"""async for over generate() and Chat.stream()."""
import asyncio
import time

import pytest

import gemma4

GREEDY = dict(temperature=0.0)


def test_a_generation(tiny):
    def begin():
        return gemma4.generate(gemma4.Session(tiny, context_length=256), [1, 2, 3], sampler=gemma4.Sampler(**GREEDY),
                               max_tokens=20, stop_at_eos=False)

    async def collect():
        return [piece.token_ids async for piece in begin()]
    assert asyncio.run(collect()) == [piece.token_ids for piece in begin()]


def test_chats_side_by_side(nano):
    async def ask(question):
        chat = gemma4.Chat(nano, sampler=gemma4.Sampler(**GREEDY))
        stream = chat.stream(question)
        text = "".join([event.text async for event in stream])
        assert stream.reply.text == text
        return text

    async def both():
        return await asyncio.gather(ask("What is 17 + 25?"), ask("What is the capital of France?"))
    assert asyncio.run(both()) == ["42", "The capital of France is Paris."]


def test_the_event_loop_goes_on_meanwhile(tiny):
    async def run():
        ticks, done = 0, False

        async def tick():
            nonlocal ticks
            while not done:
                ticks += 1
                await asyncio.sleep(0.001)
        ticking = asyncio.create_task(tick())
        session = gemma4.Session(tiny, context_length=4096, prefill_chunk=4096)
        async for _ in gemma4.generate(session, [1 + i % 400 for i in range(2500)], max_tokens=2, stop_at_eos=False):
            pass
        done = True
        await ticking
        return ticks
    assert asyncio.run(run()) >= 3


def test_a_task_that_is_cancelled_ends_its_generation(tiny):
    session = gemma4.Session(tiny, context_length=4096, prefill_chunk=4096)

    async def run():
        generation = gemma4.generate(session, [1 + i % 400 for i in range(4000)], stop_at_eos=False)

        async def consume():
            async for _ in generation:
                pass
        task = asyncio.create_task(consume())
        await asyncio.sleep(0.02)
        begin = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - begin < 5
        assert list(generation) == []
    asyncio.run(run())
    session.truncate(0)  # nobody uses it any more
    session.prefill([1, 2, 3])


def test_a_timeout(nano, ask):
    session = gemma4.Session(nano, context_length=4096)

    async def run():
        async for _ in gemma4.generate(session, ask(nano, "What is 17 + 25?"), sampler=gemma4.Sampler(**GREEDY), stop_at_eos=False):
            pass
    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(asyncio.wait_for(run(), 0.05))
    assert session.position < 4096
    session.prefill([1])


def test_errors_come_through(tiny):
    async def run():
        session = gemma4.Session(tiny, context_length=16)
        generation = gemma4.generate(session, [1, 2], stop_at_eos=False)
        session.close()
        async for _ in generation:
            pass
    with pytest.raises(gemma4.Error, match="closed"):
        asyncio.run(run())


@pytest.mark.parametrize("intrude", [lambda session: session.prefill([1]), lambda session: session.decode(1), lambda session: session.truncate(1),
                                     lambda session: list(gemma4.generate(session, [1], max_tokens=2))])
def test_who_works_under_a_live_generation_ends_it_with_an_error(tiny, intrude):
    async def run():
        session = gemma4.Session(tiny, context_length=64)
        seen = 0
        async for _ in gemma4.generate(session, [1, 2], stop_at_eos=False):
            seen += 1
            assert seen == 1
            intrude(session)
    with pytest.raises(gemma4.Error, match="generation") as error:
        asyncio.run(run())
    assert error.value.code == "invalid_argument"
