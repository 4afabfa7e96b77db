from agent.health import OwnHealth
from contract.message import Health


def test_the_agent_knows_its_own_processor_time_memory_and_disk(tmp_path):
    subject = OwnHealth(tmp_path)
    first = subject.look()
    sum(number * number for number in range(2_000_000))  # some work
    second = subject.look()
    assert 2**20 < first.memory < 2**33
    assert first.disk > 2**20
    assert second.cpu > first.cpu


def test_a_folder_that_is_gone_is_no_reason_to_be_silent(tmp_path):
    assert OwnHealth(tmp_path / "gone").look() == Health()
