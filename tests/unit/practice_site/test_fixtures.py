"""Who is registered, and that nobody real is."""

import pytest

from scraper_backend.practice_site import fixtures, ruc

WRITTEN = {
    "20999999019",
    "20999999027",
    "20999999035",
    "20999999043",
    "20999999051",
    "20999999060",
    "20999999078",
    "20999999086",
    "20999999094",
    "20999999108",
    "10999999013",
    "10999999021",
    "15999999015",
    "16999999011",
    "17999999018",
}


def test_every_variant_is_written_down_once_with_a_right_number() -> None:
    assert set(fixtures.FIXTURES) == WRITTEN
    assert all(ruc.is_valid(number) and number[2:8] == "999999" for number in fixtures.FIXTURES)


def test_persons_have_no_representatives_and_companies_no_document_row() -> None:
    for one in fixtures.FIXTURES.values():
        if ruc.is_company(one.ruc):
            assert one.document is None
        else:
            assert not one.representatives


@pytest.mark.parametrize(
    "number",
    [fixtures.UNREGISTERED_RUC, fixtures.WRONG_DIGIT_RUC, "20999999116", "20999999999", "20131312955", "", "x"],
)
def test_everybody_else_is_not_registered(number: str) -> None:
    assert fixtures.find(number) is None


def test_many_companies_are_invented_and_stay_the_same() -> None:
    numbers = [ruc.complete(f"2099999{n:03}") for n in range(900)]
    found = [fixtures.find(number) for number in numbers]
    assert [one.ruc for one in found if one] == numbers
    assert found == [fixtures.find(number) for number in numbers]
    assert len({one.name for one in found if one}) == len(numbers)


def test_a_wrong_digit_is_not_an_invented_company() -> None:
    body = "2099999123"
    wrong = body + str((int(ruc.check_digit(body)) + 1) % 10)
    assert fixtures.find(wrong) is None


def test_documents_and_names_find_their_owners() -> None:
    assert [one.ruc for one in fixtures.find_by_document("1", "99999902")] == ["10999999021"]
    assert [one.ruc for one in fixtures.find_by_document("4", "000999902")] == ["15999999015"]
    assert [one.ruc for one in fixtures.find_by_document("7", "XX999903")] == ["16999999011"]
    assert fixtures.find_by_document("A", "99999902") == ()
    assert [one.ruc for one in fixtures.find_by_name(" el cantaro ")] == ["20999999019"]
    assert fixtures.find_by_name("   ") == ()
