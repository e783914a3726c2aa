"""CSV files: what is read, what is reported, and one clear error for each fault."""

import numpy as np
import pytest

from onlinernn.tasks import CsvTask, DelayLine, read_table


@pytest.fixture
def write(tmp_path):
    def to_file(text, name="some.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return to_file


@pytest.fixture
def series(write):
    """Forty rows: a date, a ramp, a square of it, and text."""
    rows = [f"2020-01-{1 + t // 24:02d} {t % 24:02d}:00,{t},{t * t},north" for t in range(40)]
    return write("date,ramp,square,station\n" + "\n".join(rows) + "\n")


def test_columns_come_by_name_and_in_the_order_asked_for(series):
    table = read_table(series, ["square", "ramp"])
    np.testing.assert_array_equal(table.values, np.array([[t * t, t] for t in range(40)]))
    assert table.names == ("square", "ramp")


def test_numeric_columns_are_found(series):
    assert read_table(series).names == ("ramp", "square")


def test_spreadsheet_mark_blank_lines_quotes_and_spaces_do_no_harm(write):
    path = write(b'\xef\xbb\xbf"a", b \r\n"1", 2\r\n\r\n3,4e-1\r\n\r\n')
    table = read_table(path)
    assert table.names == ("a", "b")
    np.testing.assert_array_equal(table.values, [[1, 2], [3, 0.4]])


def test_another_delimiter(write):
    np.testing.assert_array_equal(read_table(write("a;b\n1;2\n"), delimiter=";").values, [[1, 2]])


def test_missing_cells_are_counted(write):
    table = read_table(write("a,b,c\n1,,3\nNA,nan,4\n2,5,?\n"))
    assert table.gaps.missing == {"a": 1, "b": 2, "c": 1}
    assert np.isnan(table.values).sum() == 4
    assert table.gaps.describe() == "3 rows; missing cells: a 1, b 2, c 1; time stamps not read"


@pytest.mark.parametrize(
    ("stamps", "irregular", "absent"),
    [
        (["2020-01-01 00:00", "2020-01-01 01:00", "2020-01-01 02:00"], 0, 0),
        (["2020-01-01T00:00Z", "2020-01-01T01:00Z", "2020-01-01T05:00Z", "2020-01-01T06:00Z"], 1, 3),
        (["1/31/2010 22:00", "1/31/2010 23:00", "2/1/2010 0:00"], 0, 0),
        (["30/1/2010", "31/1/2010", "1/2/2010", "2/2/2010"], 0, 0),
        (["31.01.2010 22:00:00", "31.01.2010 23:00:00", "01.02.2010 00:00:00"], 0, 0),
        (["1/1/2010 11:00 AM", "1/1/2010 12:00 PM", "1/1/2010 1:00 PM"], 0, 0),
        (["2020-01-01", "2020-01-02", "2020-01-02", "2020-01-03", "2020-01-04"], 1, 0),
    ],
)
def test_irregular_time_stamps_are_counted(write, stamps, irregular, absent):
    gaps = read_table(write("when,x\n" + "".join(f"{s},1\n" for s in stamps)), date="when").gaps
    assert (gaps.irregular, gaps.absent) == (irregular, absent)
    assert gaps.step in (3600.0, 86400.0)
    assert ("irregular" in gaps.describe()) == (irregular > 0)


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("", None, "is empty; it needs a header row"),
        ("\n", None, "is empty; it needs a header row"),
        ("a,b\n", None, "header but no data rows"),
        ("a,b\nx,y\n", None, "no numeric column; its columns are: a, b"),
        ("a,b\n1,2\n3\n", None, r"row 3: 1 cells under a header of 2 columns.*cut off"),
        ("a,b\n1,2,3\n", None, r"row 2: 3 cells under a header of 2 columns"),
        ("a,b\n1,2\n3,warm\n", None, r"row 3, column 'b': 'warm' is not a number"),
        ("a,b\n1,2\n\n3,warm\n", None, r"row 4, column 'b'"),
        ("a,b\n1,2\n3,-inf\n", None, r"row 3, column 'b': '-inf' is not finite"),
        ("Humidity,Wind\n1,2\n", ["humidty"], r"no column 'humidty'\. Did you mean 'Humidity'\? .*Humidity, Wind"),
        ("Humidity,Wind\n1,2\n", ["q"], r"no column 'q'\. Its columns are: Humidity, Wind"),
        ("a,a\n1,2\n", ["a"], "2 columns named 'a'"),
        ("a,b\n1,2\n", ["a", "a"], "chosen once"),
        (b"a,b\n1,\xff\n", None, "not UTF-8"),
        (b"a,b\n1,\x00\n", ["b"], "not a number|not a well-formed"),
        ('a,b\n1,"2\n', None, "not a well-formed CSV"),
    ],
)
def test_each_fault_gets_one_clear_error(write, text, columns, message):
    with pytest.raises(ValueError, match=message) as caught:
        read_table(write(text), columns)
    assert "some.csv" in str(caught.value) or "chosen once" in message


def test_a_time_stamp_that_is_none_names_its_row(write):
    with pytest.raises(ValueError, match=r"row 3, column 'when': 'noon' is not a time stamp"):
        read_table(write("when,x\n1/31/2010 0:00,1\nnoon,2\n"), date="when")
    with pytest.raises(ValueError, match="no column 'wen'"):
        read_table(write("when,x\n1/31/2010 0:00,1\n"), date="wen")


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.csv"):
        read_table(tmp_path / "none.csv")


def test_targets_stand_with_their_input_and_training_knows_nothing_of_the_test(series):
    task = CsvTask(series, "square", horizon=3, columns=["ramp"], split=30, date="date")
    train, test = task.train(), task.test()
    assert (len(train), len(test), task.n_in, task.n_out, task.target_delay) == (30, 7, 1, 1, 3)
    square = (np.arange(40.0) ** 2 - (np.arange(30.0) ** 2).mean()) / (np.arange(30.0) ** 2).std()
    np.testing.assert_allclose(train.targets[:27, 0], square[3:30])
    assert np.isnan(train.targets[27:]).all()
    np.testing.assert_allclose(test.targets[:, 0], square[33:])
    np.testing.assert_allclose(test.last_known[:, 0], square[30:37])
    np.testing.assert_allclose(train.inputs[:, 0], (np.arange(30) - 14.5) / np.arange(30.0).std())
    np.testing.assert_allclose(test.inputs[:, 0], (np.arange(30, 37) - 14.5) / np.arange(30.0).std())


def test_the_test_rows_change_nothing_in_training(write):
    rows = [f"{np.sin(t)},{np.cos(t)}" for t in range(40)]
    one = CsvTask(write("a,b\n" + "\n".join(rows)), "a", split=30)
    rows[30:] = [f"{1e6 * t},{-1e6 * t}" for t in range(10)]
    other = CsvTask(write("a,b\n" + "\n".join(rows), "other.csv"), "a", split=30)
    np.testing.assert_array_equal(one.train().inputs, other.train().inputs)
    np.testing.assert_array_equal(one.train().targets, other.train().targets)
    assert not np.array_equal(one.test().inputs, other.test().inputs)


def test_a_gap_repeats_the_last_value_and_never_looks_ahead(write):
    path = write("a,b\n,1\n2,1\n,3\n4,\n6,5\n8,6\n9,7\n9,8\n")
    task = CsvTask(path, "b", columns=["a"], split=6)
    mean, deviation = task.scale.mean[0], task.scale.deviation[0]
    raw = task.train().inputs[:, 0] * deviation + mean
    np.testing.assert_allclose(raw, [mean, 2, 2, 4, 6, 8])
    np.testing.assert_array_equal(task.train().scored, [True, True, False, True, True, False])
    assert task.gaps.missing == {"a": 2, "b": 1}


def test_horizon_zero_estimates_what_is_not_an_input(series):
    task = CsvTask(series, "square", horizon=0)
    assert task.inputs == ("ramp",)
    assert (task.n_in, task.target_delay, len(task.test())) == (1, 0, 8)
    with pytest.raises(ValueError, match="'square' must not be an input"):
        CsvTask(series, "square", horizon=0, columns=["square", "ramp"])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"horizon": 10, "split": 30}, ValueError, "horizon 10 is too long for 40 rows of which 30 train: it can be 9"),
        ({"horizon": 1000}, ValueError, "horizon 1000 is too long for 40 rows"),
        ({"horizon": -1}, ValueError, "horizon must be at least 0, not -1"),
        ({"horizon": 1.5}, TypeError, r"horizon must be an integer, not 1\.5"),
        ({"split": 40}, ValueError, "split 40 leaves 40 training rows and 0 test rows"),
        ({"split": 1.5}, ValueError, r"split must be a share between 0 and 1 .* not 1\.5"),
        ({"columns": []}, ValueError, "at least one input column"),
        ({"target": "station"}, ValueError, r"row 2, column 'station': 'north' is not a number"),
        ({"target": "sqare"}, ValueError, r"no column 'sqare'\. Did you mean 'square'"),
        ({"columns": ["ramp", "station"]}, ValueError, r"row 2, column 'station'"),
    ],
)
def test_a_task_that_cannot_be_is_refused(series, options, error, message):
    with pytest.raises(error, match=message):
        CsvTask(series, **{"target": "square", **options})


def test_a_target_without_change_or_without_numbers_is_refused(write):
    path = write("a,b,c,d\n" + "".join(f"{t},1,{'' if t < 8 else t},x\n" for t in range(10)))
    with pytest.raises(ValueError, match=r"target 'b' .* never changes in the 8 training rows"):
        CsvTask(path, "b", columns=["a"])
    with pytest.raises(ValueError, match=r"column 'c' .* no number in the 8 training rows"):
        CsvTask(path, "c", columns=["a"])


def test_an_input_that_never_changes_becomes_zero(write):
    task = CsvTask(write("a,b\n" + "".join(f"{t},0.1\n" for t in range(10))), "a")
    np.testing.assert_allclose(task.train().inputs[:, 1], 0, atol=1e-12)


def test_a_delay_line_looks_back_from_the_test_into_the_training_rows(series):
    task = CsvTask(series, "ramp", horizon=2, split=30)
    delayed = DelayLine(task, 3)
    train, test = task.train().inputs, task.test().inputs
    assert delayed.n_in == 6
    assert delayed.target_delay == 2
    np.testing.assert_array_equal(delayed.test(0).inputs[:2], [[*test[0], *train[-1], *train[-2]],
                                                              [*test[1], *test[0], *train[-1]]])  # fmt: skip
    np.testing.assert_array_equal(delayed.train(0).inputs[1], [*train[1], *train[0], 0, 0])
    np.testing.assert_array_equal(delayed.test(0).targets, task.test().targets)
    with pytest.raises(ValueError, match="rows must be at least 1"):
        DelayLine(task, 0)
