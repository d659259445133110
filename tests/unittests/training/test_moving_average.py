"""The averaged copy follows the weights, and nothing else follows it."""

import pytest
import torch
from torch import nn

from sb_sma.training.moving_average import average_weights


def constant_model(value):
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    for parameter in model.parameters():
        nn.init.constant_(parameter, value)
    return model


def test_the_average_is_that_of_a_plain_loop():
    model = constant_model(0.0)
    average = average_weights(model, decay=0.8)
    expected = None
    for n_updates in range(60):
        value = float(n_updates % 7)
        for parameter in model.parameters():
            nn.init.constant_(parameter, value)
        average.update_parameters(model)
        if n_updates == 0:
            expected = value
            continue
        kept = min(0.8, n_updates / (n_updates + 9))
        expected = kept * expected + (1 - kept) * value
    for parameter in average.module.parameters():
        torch.testing.assert_close(
            parameter, torch.full_like(parameter, expected)
        )


def test_training_does_not_change_the_copy():
    model = constant_model(1.0)
    average = average_weights(model, decay=0.5)
    before = [parameter.clone() for parameter in average.module.parameters()]
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    model(torch.rand(4, 3)).square().sum().backward()
    optimizer.step()
    for parameter, old in zip(average.module.parameters(), before):
        assert torch.equal(parameter, old)


def test_buffers_follow_at_once():
    model = constant_model(1.0)
    average = average_weights(model, decay=0.99)
    for value in (3.0, 5.0):
        nn.init.constant_(model[1].running_mean, value)
        average.update_parameters(model)
        assert average.module[1].running_mean.tolist() == [value] * 2


def test_the_copy_is_in_evaluation_mode():
    average = average_weights(constant_model(1.0).train(), decay=0.9)
    assert not any(part.training for part in average.modules())


def test_the_average_goes_on_from_its_checkpoint():
    model = constant_model(0.0)
    whole = average_weights(model, decay=0.9)
    interrupted = average_weights(model, decay=0.9)
    for step in range(6):
        for parameter in model.parameters():
            nn.init.constant_(parameter, float(step))
        whole.update_parameters(model)
        interrupted.update_parameters(model)
        if step == 2:
            saved = interrupted.state_dict()
            interrupted = average_weights(constant_model(9.0), decay=0.9)
            interrupted.load_state_dict(saved)
    for one, other in zip(whole.parameters(), interrupted.parameters()):
        assert torch.equal(one, other)


@pytest.mark.parametrize("decay", [-0.1, 1.0, float("nan")])
def test_a_decay_out_of_range_is_refused(decay):
    with pytest.raises(ValueError, match=r"decay must be in \[0, 1\); got"):
        average_weights(constant_model(0.0), decay)
