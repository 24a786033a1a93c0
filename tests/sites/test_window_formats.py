"""Published window files of many modifications: tagged headers, and windows of other lengths than the run's."""

from __future__ import annotations

import gzip
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnamarks.errors import InputError
from rnamarks.sequences import read_records
from rnamarks.sites.drops import Drops
from rnamarks.sites.window_files import read_task_windows, read_windows
from rnamarks.sites.window_formats import labelled_windows
from rnamarks.tasks import Task


def read(path, form="fasta_tagged", label=None, width=None, centred=False):
    drops = Drops()
    entry = {"file": path, "format": form, "label": label, "given": ""}
    frame = read_windows(entry, task=Task("m6A", centred=centred), width=width, drops=drops)
    counts = dict(zip(drops.frame()["reason"], drops.frame()["rows"], strict=True))
    assert counts["kept"] == len(frame)
    assert frame["sequence"].str.fullmatch("[ACGUN]+").all()
    return frame, counts


@pytest.mark.parametrize(
    ("file", "positives", "negatives", "base", "off_base"),
    [
        ("deepmrmp_41nt/m1A_train.fa.gz", 2_907, 2_907, "A", 2),
        ("deepmrmp_41nt/m1A_val.fa.gz", 969, 969, "A", 3),
        ("deepmrmp_41nt/m1A_test.fa.gz", 970, 970, "A", 2),
        ("deepmrmp_41nt/m5C_train.fa.gz", 194, 787, "C", 0),
        ("deepmrmp_41nt/m5C_val.fa.gz", 26, 92, "C", 0),
        ("deepmrmp_41nt/m5C_test.fa.gz", 98, 98, "C", 0),
        ("m5u_svm_41nt/m5U_full_transcript_train.fa.gz", 1_534, 2_862, "U", 0),
        ("m5u_svm_41nt/m5U_mature_mRNA_train.fa.gz", 983, 985, "U", 0),
        ("m5u_svm_41nt/m5U_mature_mRNA_test.fa.gz", 245, 247, "U", 0),
        ("nm_i2om_41nt/Am.fa.gz", 1_205, 1_210, "A", 0),
        ("nm_i2om_41nt/Cm.fa.gz", 1_172, 1_174, "C", 0),
        ("nm_i2om_41nt/Gm.fa.gz", 996, 998, "G", 0),
        ("nm_i2om_41nt/Um.fa.gz", 624, 626, "U", 0),
        ("m7g_moss_501nt/m7G_train.fa.gz", 3_292, 3_292, "G", 0),
        ("m7g_moss_501nt/m7G_valid.fa.gz", 1_097, 1_097, "G", 0),
    ],
)
def test_every_tagged_file_is_read_whole(shared_data, file, positives, negatives, base, off_base):
    frame, counts = read(shared_data / "multirm" / file, width=41, centred=True)
    assert (int(frame["label"].sum()), int((frame["label"] == 0).sum())) == (positives, negatives)
    assert frame["sequence"].str.len().eq(41).all()
    assert (frame["sequence"].str[20] != base).sum() == off_base
    cropped = {"note: cropped from 501 nt": positives + negatives} if "moss" in file else {}
    assert {reason: rows for reason, rows in counts.items() if "cropped" in reason} == cropped


@pytest.mark.parametrize(
    ("file", "form", "label", "rows", "base"),
    [
        ("psi_pulse/human_p101_seqs.txt.gz", "lines", 1, 3_864, "U"),
        ("psi_pulse/human_n101_seqs.txt.gz", "lines", 0, 3_781, "U"),
        ("m6am_41nt/m6Am_train_pos.fa.gz", "fasta", 1, 3_700, "A"),
    ],
)
def test_files_of_one_class_keep_the_given_label(shared_data, file, form, label, rows, base):
    path = shared_data / "multirm" / file
    frame, counts = read(path, form, label=label, width=41, centred=True)
    assert (len(frame), set(frame["label"])) == (rows, {label})
    assert frame["sequence"].str[20].eq(base).all()
    assert counts.get("note: cropped from 101 nt", 0) == (rows if "pulse" in file else 0)
    whole, _ = read(path, form, label=label)
    middle = len(whole["sequence"].iloc[0]) // 2
    assert (whole["sequence"].str[middle - 20 : middle + 21] == frame["sequence"]).all()


def test_headers_that_say_no_class_are_refused_in_files_of_one_class(shared_data):
    with pytest.raises(InputError, match=r"m6Am_train_pos.fa.gz:1: the header has no class .*\(found 'RNA1'\)"):
        read(shared_data / "multirm" / "m6am_41nt" / "m6Am_train_pos.fa.gz")


@pytest.mark.parametrize(
    ("header", "label"),
    [
        ("P12", 1),
        ("N251997", 0),
        ("P|1|training", 1),
        ("N|0|Testing", 0),
        ("1|Rmbase_Nm_site_5_Am|1|", 1),
        ("1|1031|Am|U59A/B_Am|1|", 1),
        ("0|17,NM_1.2 Homo sapiens x, mRNA; nuclear|0|2OM_2802_9", 0),
        ("train_pos_0", 1),
        ("valid_neg_7", 0),
        ("test_pos_7", 1),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("packed", [False, True])
def test_styles_of_headers(tmp_path, header, label, end, packed):
    text = f">{header}{end}acgtu{end}>{header}{end}ACGUU{end}"
    path = tmp_path / "windows"
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    frame, counts = read(path)
    assert frame["label"].tolist() == [label, label]
    assert frame["sequence"].tolist() == ["ACGUU", "ACGUU"]
    assert counts == {"note: duplicate sequence, kept": 1, "kept": 2}


@pytest.mark.parametrize(
    ("headers", "line", "said"),
    [
        (["P1", "Q2"], 3, "the header has no class in a known style"),
        (["PP"], 1, "the header has no class"),
        (["PN1"], 1, "the header has no class"),
        (["positive_3"], 1, "the header has no class"),
        (["+sample"], 1, "the header has no class"),
        (["P|2|training"], 1, "the header has no class"),
        (["1|x"], 1, "the header has no class"),
        (["P|0|training"], 1, "the header says both classes"),
        (["0|x|1|"], 1, "the header says both classes"),
        (["N1", "P2", "train_pos_3"], 5, "of the style Moss-m7G and those before of DeepMRMP"),
        ([""], 1, "not FASTA or a header is empty"),
    ],
)
def test_headers_that_are_unknown_or_contradict_are_named(tmp_path, headers, line, said):
    path = tmp_path / "windows"
    path.write_text("".join(f">{header}\nACGUA\n" for header in headers))
    with pytest.raises(InputError, match=said) as caught:
        read(path)
    assert caught.value.line == line
    assert "\n" not in str(caught.value)


def test_a_label_beside_tagged_headers_is_refused(tmp_path):
    (tmp_path / "windows").write_text(">P1\nACGUA\n")
    with pytest.raises(InputError, match="the format states its labels"):
        read(tmp_path / "windows", label=1)
    (tmp_path / "lines").write_text("ACGUA\n")
    with pytest.raises(InputError, match="not FASTA"):
        read(tmp_path / "lines")


def test_cropping_is_said(tmp_path):
    path = tmp_path / "windows"
    path.write_text("CCACC\nGGCCACCGG\nGCCACCG\n")
    options = {"form": "lines", "label": 1, "width": 5}
    with pytest.raises(InputError, match=r"windows:2: the window has 9 nt and should have 5 .*set the right width"):
        read(path, **options)
    frame, counts = read(path, centred=True, **options)
    assert frame["sequence"].tolist() == ["CCACC", "CCACC", "CCACC"]
    assert counts == {
        "note: cropped from 7 nt": 1,
        "note: cropped from 9 nt": 1,
        "note: duplicate sequence, kept": 2,
        "kept": 3,
    }
    path.write_text("CCACC\nCAC\n")
    with pytest.raises(InputError, match=r"windows:2: the window has 3 nt and should have 5 or more .*smaller width"):
        read(path, centred=True, **options)


def test_centred_windows_without_a_middle_are_refused(tmp_path):
    path = tmp_path / "windows"
    path.write_text("ACGUA\nACGUAC\n")
    with pytest.raises(InputError, match=r"windows:2: the window has 6 nt .*odd length, with the site in the middle"):
        read(path, "lines", label=1, width=5, centred=True)
    with pytest.raises(InputError, match="a window needs a middle"):
        read(path, "lines", label=1, width=4, centred=True)


def test_places_in_headers_outlive_the_cropping(tmp_path):
    path = tmp_path / "windows"
    path.write_text(">chr1:100-109(+)\nGGCCACCGG\n>chr1:100-109(-)\nGGCCACCGG\n>chr1:101-109\nGGCCACCGG\n")
    for width in (9, 5, 1):
        frame, _ = read(path, "fasta", label=1, width=width, centred=True)
        assert frame[["chrom", "genome_start", "strand"]].to_numpy().tolist() == [
            ["chr1", 104, "+"],
            ["chr1", 104, "-"],
            ["chr1", 104, ""],
        ]


@settings(max_examples=40, deadline=None)
@given(
    flanks=st.lists(st.integers(20, 30), min_size=1, max_size=8),
    flank=st.integers(0, 20),
    letter=st.sampled_from("acgtuACGTU"),
)
def test_the_middle_stays_the_middle(tmp_path_factory, flanks, flank, letter):
    path = tmp_path_factory.mktemp("crop") / "windows"
    path.write_text("".join("N" * each + letter + "R" * each + "\n" for each in flanks))
    frame, _ = read(path, "lines", label=0, width=2 * flank + 1, centred=True)
    assert set(frame["sequence"]) == {"N" * flank + letter.upper().replace("T", "U") + "N" * flank}


def test_headers_of_the_writers_number_the_windows_and_pads_become_n(shared_data):
    frame, _ = read(shared_data / "multirm/m5c_151nt/fold1.fa.gz", form="fasta_tagged_padded", width=41, centred=True)
    assert (int(frame["label"].sum()), len(frame)) == (4_475, 8_948)
    assert frame["sequence"].str[20].eq("C").all()
    assert frame["sequence"].str.contains("N").sum() > 0


def test_windows_of_one_laboratory_are_padded_where_asked(shared_data):
    entry = {"file": shared_data / "multirm/imrm/hg_Pse_495_training.fa.gz", "format": "fasta_tagged", "label": None}
    task = Task("Y", base="U", modification="Y")
    with pytest.raises(InputError, match="set a smaller width"):
        read_task_windows([entry | {"given": ""}], task=task, width=41)
    frame, drops = read_task_windows([entry | {"given": ""}], task=task, width=41, pad=True)
    assert frame["sequence"].str.fullmatch("N{10}[ACGU]{10}U[ACGU]{10}N{10}").all()
    assert drops.rows("note: padded from 21 nt") == 990


def test_nju_seq_negatives_are_the_same_base_near_a_site_and_no_site(shared_data):
    path = shared_data / "multirm/nm_njuseq/HeLa.tsv.gz"
    records = list(labelled_windows({"file": path, "format": "nju_seq", "label": None}))
    sites = {record.sequence for record in records if record.label}
    others = [record for record in records if not record.label]
    assert len([record for record in records if record.label]) == 3_263
    assert all(len(record.sequence) == 41 for record in records)
    assert not sites & {record.sequence for record in others}
    assert {record.modification for record in records} == {"Am", "Cm", "Gm", "Um", ""}
    genes = {record.gene for record in records if record.label}
    assert {record.gene for record in others} <= genes
    entry = {"file": path, "format": "nju_seq", "label": None, "given": ""}
    frame, drops = read_task_windows(
        [entry], task=Task("Am", base="A", modification="Am"), width=41, negatives_per_positive=2
    )
    assert 440 <= frame["label"].sum() <= 463
    assert (frame["label"] == 0).sum() == 2 * frame["label"].sum()
    assert frame["gene"].str.startswith("ENSG").all()
    assert drops.rows("another base") > 20_000


def test_every_symbol_of_modomics_is_a_nucleotide_with_its_modification(shared_data):
    folder = shared_data / "multirm/trna_modomics"
    entry = {"file": folder / "modified.fa.gz", "format": "modomics", "label": None}
    with pytest.raises(InputError, match="codes"):
        labelled_windows(entry)
    records = list(labelled_windows(entry | {"codes": folder / "codes.csv.gz"}))
    plain = list(read_records(folder / "unmodified.fa.gz", clean=False))
    by_header = {}
    for record in records:
        by_header.setdefault(record.header, []).append(record.sequence[20])
    known = [
        ("".join(by_header[record.header]), record.sequence)
        for record in plain
        if len(by_header[record.header]) == len(record.sequence)
    ]
    assert len(known) == 810
    pairs = [(a, b) for ours, theirs in known for a, b in zip(ours, theirs, strict=True) if a != "N"]
    # MODOMICS disagrees with itself in a few places
    assert sum(a != b for a, b in pairs) <= 20 < 60_000 < len(pairs)
    assert records[0].gene == "tRNA Ala"
    assert 20 <= len({record.gene for record in records}) <= 30
    counts = Counter(record.modification for record in records)
    assert (counts["Y"], counts["m5U"], counts["m1A"], counts["m7G"], counts["I"]) == (1_436, 527, 349, 300, 43)


def test_a_chat_about_inosine_is_a_window_around_its_a(shared_data):
    frame, _ = read(shared_data / "inosine/ADARGPT_CFT_201L_train.jsonl.gz", form="adar_chat", width=41, centred=True)
    assert len(frame) == 1_000
    assert frame["sequence"].str[20].eq("A").all()
    assert 300 < frame["label"].sum() < 700


def test_negatives_beside_the_site_are_refused(shared_data):
    path = shared_data / "inosine/trap_iMRM_hg_AI_51nt.fa.gz"
    entry = {"file": path, "format": "fasta_tagged", "label": None, "given": ""}
    with pytest.raises(InputError, match="of the modified windows and 32% of the unmodified ones have A in the middle"):
        read_task_windows([entry], task=Task("I", base="A", modification="I"), width=41)


def test_matched_windows_have_one_distribution_of_gc(shared_data):
    files = [
        {"file": shared_data / f"inosine/PreAIS_{name}_101nt.fa.gz", "format": "fasta", "label": label, "given": ""}
        for name, label in (("positive", 1), ("negative", 0))
    ]
    task = Task("I", base="A", modification="I")
    frame, drops = read_task_windows(files, task=task, width=41, match_gc=True, seed=1)
    gc = frame["sequence"].str.count("[GC]")
    counts = [gc[frame["label"] == label].value_counts().sort_index() for label in (0, 1)]
    assert counts[0].equals(counts[1])
    assert drops.rows("without a partner of the same GC") + len(frame) > 9_900
    twice, _ = read_task_windows(files, task=task, width=41, match_gc=True, negatives_per_positive=2, seed=1)
    by_label = twice["label"].value_counts()
    assert by_label[0] == 2 * by_label[1] > 0
