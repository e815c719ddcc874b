"""What receipts teach of a supplier's lead time and of the share it fills."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from core_modules.learning.supplier_record import (
    KEPT,
    LONGEST_DELAY,
    STATED_WEIGHT,
    Receipt,
    SupplierRecord,
    confirmed_receipt,
    fill_paths,
    lead_time_chances,
    lead_time_paths,
)
from core_modules.plain_json import plain

UNIFORMS = (np.arange(4000) + 0.5) / 4000


def after(receipts: list[Receipt], stated: int = 3) -> SupplierRecord:
    record = SupplierRecord(stated)
    for receipt in receipts:
        record = record.observe(receipt)
    return record


def test_before_any_receipt_the_statement_is_nearly_believed() -> None:
    record = SupplierRecord(3)
    assert lead_time_chances(record)[2] == pytest.approx(0.98)
    assert np.all(fill_paths(record, UNIFORMS) == 1)


def test_a_late_receipt_counts_beside_the_four_of_the_statement() -> None:
    chances = lead_time_chances(after([Receipt(10, 10, 5)]))
    assert chances.sum() == pytest.approx(1)
    # Two days late: its own 1 and a quarter of the late 2 % before, of 5 in all.
    late = STATED_WEIGHT * 0.02 * 0.5 / (2 - 0.5 ** (LONGEST_DELAY - 1))
    assert chances[4] == pytest.approx((1 + late) / 5)


def test_drawn_lead_times_follow_the_receipts_and_rise_with_the_uniform() -> None:
    record = after([Receipt(10, 10, 3 + number % 4) for number in range(400)])
    drawn = lead_time_paths(record, UNIFORMS)
    assert np.all(np.diff(drawn) >= 0)
    shares = np.bincount(drawn, minlength=8)[3:7] / drawn.size
    assert shares == pytest.approx([0.28, 0.24, 0.24, 0.24], abs=0.02)


def test_the_share_filled_is_learned_with_its_scatter() -> None:
    constant = after([Receipt(100, 90, 3)] * 300)
    assert constant.mean_fill == pytest.approx(0.9, abs=0.01)
    rng = np.random.default_rng(1)
    varied = after([Receipt(1000, int(share), 3) for share in rng.uniform(500, 1000, 500)])
    drawn = fill_paths(varied, UNIFORMS)
    assert drawn.mean() == pytest.approx(varied.mean_fill, abs=1e-3)
    assert drawn.mean() == pytest.approx(0.75, abs=0.03)
    assert drawn.std() == pytest.approx(0.5 / 12**0.5, rel=0.15)


def test_nothing_delivered_counts_as_a_share_of_nought_and_no_lead_time() -> None:
    record = after([Receipt(10, 0, None)])
    assert record.mean_fill == pytest.approx(4 / 5)
    assert not any(record.days)


def test_what_a_known_event_did_is_not_held_against_the_supplier() -> None:
    # An event adds 4 days and fills 0.6: 6 of 10 units after 7 days are a punctual, full delivery.
    record = SupplierRecord(3).observe(Receipt(10, 6, 7), extra=4, share=0.6)
    assert record.days == (0.0, 0.0, 1.0)
    assert record.mean_fill == 1
    assert record.observe(Receipt(10, 0, None), share=0.0) == record


def test_a_supplier_that_changes_is_followed() -> None:
    changed = after([Receipt(10, 10, 3)] * 300 + [Receipt(10, 10, 5)] * 150)
    # All evidence together is 1 / (1 - KEPT) = 100 receipts; after 150 new ones 0.99**150 = 22 %
    # of what came before is left.
    assert lead_time_chances(changed)[4] == pytest.approx(1 - KEPT**150, abs=0.06)


def test_a_confirmation_tells_day_and_quantity_of_last_night_s_order() -> None:
    before = np.array([0, 5, 0, 0])
    assert confirmed_receipt(10, before, np.array([5, 0, 7, 0]), 0) == Receipt(10, 7, 4)
    assert confirmed_receipt(10, before, np.array([5, 0, 0, 0]), 0) == Receipt(10, 0, None)
    # A lead time of one day: it is on the shelf already.
    assert confirmed_receipt(10, np.array([4, 0]), np.array([0, 0]), 13) == Receipt(10, 9, 1)
    # More than is due that day already: the orders arrive together.
    assert confirmed_receipt(10, before, np.array([14, 0, 0, 0]), 0) == Receipt(10, 9, 2)


def test_a_record_comes_back_from_json_bit_for_bit() -> None:
    record = after([Receipt(7, 5, 4), Receipt(9, 9, 3)])
    content = json.loads(json.dumps(plain(asdict(record))))
    assert SupplierRecord(**(content | {"days": tuple(content["days"])})) == record


def test_a_receipt_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="ordered >= 1"):
        Receipt(0, 0, 3)
    with pytest.raises(ValueError, match="lead_time of a receipt"):
        Receipt(1, 1, 0)
