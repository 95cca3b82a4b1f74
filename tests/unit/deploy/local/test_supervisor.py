from deploy.local.supervisor import restart_delay_s


def test_the_pause_before_a_restart_doubles_up_to_half_a_minute() -> None:
    assert [restart_delay_s(failures) for failures in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert restart_delay_s(10_000) == 30
