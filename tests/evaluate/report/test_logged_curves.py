from ressl_tf.evaluate.report.logged_curves import charts


def test_epochs_of_runs_are_aligned():
    a = [{"epoch": 0, "step": 0, "knn_top1": 0.2}, {"epoch": 1.0, "loss": 3, "own": 7}]
    b = [{"epoch": 1.0, "loss": 4.0}, {"epoch": 2.0, "loss": 2.0, "label": "text"}]
    made = {chart["title"]: chart for chart in charts({"a": a, "b": b})}
    assert set(made) == {"loss (nats)", "kNN top-1", "own"}
    loss = made["loss (nats)"]
    assert loss["epochs"] == [0, 1.0, 2.0]
    values = {series["name"]: series["values"] for series in loss["series"]}
    assert values == {"a": [None, 3, None], "b": [None, 4.0, 2.0]}
    assert [series["name"] for series in made["own"]["series"]] == ["a"]


def test_throughput_is_drawn_from_zero():
    made = charts({"": [{"epoch": 1.0, "input_wait": 0.02, "loss": 1.0}]})
    assert {chart["title"]: chart["from_zero"] for chart in made} == {
        "loss (nats)": False,
        "input wait (share of the time)": True,
    }


def test_every_number_of_the_log_has_a_chart():
    row = {"epoch": 1.0, "step": 2, "teacher_entropy": 1.0, "student_entropy": 2.0}
    (chart,) = charts({"": [row]})
    assert [series["name"] for series in chart["series"]] == ["teacher", "student"]
    assert charts({"": []}) == []
