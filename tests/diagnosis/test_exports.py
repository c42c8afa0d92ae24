"""Jobs and events as consoles and PowerShell export them."""

import json

import pytest

from tests.diagnosis import samples
from tests.diagnosis.samples import diagnosed, only
from vmmaudit.diagnosis.failures import Identity, Kept
from vmmaudit.errors import UsageError

MESSAGE = (
    "'Web-01': User account does not have permission required to open attachment "
    f"'{samples.FILE}'. Error: 'General access denied error' (0x80070005). "
    f"(Virtual machine ID {samples.SECOND})"
)
XML = f"""<?xml version="1.0" encoding="utf-16"?>
<Events><Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>
<Provider Name='Microsoft-Windows-Hyper-V-VMMS'/><EventID>12700</EventID><Level>2</Level>
<TimeCreated SystemTime='2026-09-23T12:56:38.031Z'/><Computer>HYPER01.contoso.com</Computer>
</System><RenderingInfo Culture='de-DE'><Message>{MESSAGE.replace("'", "&apos;")}</Message>
</RenderingInfo></Event><Event><System><Computer>x</Computer></System></Event></Events>"""


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8"])
def test_events_as_xml(encoding: str):
    failure = only(XML.encode(encoding))
    assert failure.seen.kind is Kept.EVENT
    assert (failure.host, failure.vm, failure.file) == (
        "HYPER01.contoso.com",
        "Web-01",
        samples.FILE,
    )
    assert failure.code is None  # 12700 is the event's own number here, not VMM's code
    assert str(failure.seen.when) == "2026-09-23 12:56:38.031 UTC"


def test_a_single_event_as_xml():
    one = XML[XML.index("<Event xmlns") : XML.index("<Event><System>")]
    assert only(one).vm == "Web-01"


def test_clixml():
    text = f"""<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">
<Obj RefId="0"><Props><S N="Message">{MESSAGE.replace(" Error", "_x000D__x000A_Error")}</S>
<I32 N="Id">12700</I32><DT N="TimeCreated">2026-09-23T14:56:38.031+02:00</DT>
<S N="MachineName">HYPER01.contoso.com</S></Props></Obj></Objs>"""
    failure = only(text)
    assert (failure.host, failure.identity, failure.code) == (
        "HYPER01.contoso.com",
        Identity.ACCOUNT,
        None,
    )
    assert str(failure.seen.when) == "2026-09-23 14:56:38.031 +02:00"


@pytest.mark.parametrize(
    ("head", "time"),
    [
        ("Level,Date and Time,Source,Event ID,Task Category", "9/23/2026 2:56:38 PM"),
        ("Ebene;Datum und Uhrzeit;Quelle;Ereignis-ID;Aufgabenkategorie", "23.09.2026 14:56:38"),
        ("Ebene\tDatum und Uhrzeit\tQuelle\tEreignis-ID\tAufgabenkategorie", "23.09.2026 14:56:38"),
    ],
)
def test_the_event_viewers_csv_has_the_message_behind_the_last_column(head: str, time: str):
    mark = next(mark for mark in ",;\t" if mark in head)
    message = MESSAGE.replace(". Error", ".\r\nError").replace('"', '""')
    rows = [head, mark.join(["Error", time, "Hyper-V-VMMS", "12700", "None", f'"{message}"'])]
    failure = only("\ufeff" + "\r\n".join(rows))
    assert (failure.vm, failure.code, failure.identity) == ("Web-01", None, Identity.ACCOUNT)
    assert str(failure.seen.when) == "2026-09-23 14:56:38"


def test_jobs_as_csv_with_a_type_line():
    text = (
        "#TYPE Microsoft.SystemCenter.VirtualMachineManager.Task\n"
        '"Name","Status","StartTime","ErrorInfo","Description"\n'
        '"Change properties","Failed","23.09.2026 14:56:38","VirVMAsyncTaskError (12700)",'
        f'"{MESSAGE}"\n'
        '"Refresh","Completed","23.09.2026 14:57:00","Success (0)","fine"\n'
    )
    failure = only(text)
    assert (failure.code, failure.name) == (12700, "VirVMAsyncTaskError")
    assert failure.seen.kind is Kept.JOB
    assert failure.seen.sequence == "1"


def test_jobs_as_json():
    jobs = [
        {
            "Name": "Change properties",
            "StartTime": "/Date(1790000000000)/",
            "ErrorInfo": {"Code": 12700, "Problem": MESSAGE},
        },
        {"Name": "Refresh", "ErrorInfo": {"Code": 0, "Problem": ""}},
    ]
    failure = only(json.dumps(jobs))
    assert (failure.code, failure.file) == (12700, samples.FILE)
    assert str(failure.seen.when) == "2026-09-21 14:13:20.000 UTC"
    assert diagnosed(json.dumps(jobs)).inputs[0].form == "json"


def test_a_list_of_properties():
    text = (
        f"Name      : Change\nStartTime : 23.09.2026 14:56:38\nErrorInfo : X (12700)\nD : {MESSAGE}"
    )
    failure = only(text)
    assert (failure.code, str(failure.seen.when)) == (12700, "2026-09-23 14:56:38")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<?xml version='1.0'?><Events><Event>", "not XML that can be read"),
        ("<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><Events/>", "document type"),
        ('[{"Name": ', "not JSON"),
    ],
)
def test_what_is_broken_is_said_in_one_sentence(text: str, said: str):
    with pytest.raises(UsageError, match=said):
        diagnosed(text)


def test_times_of_several_inputs_are_put_in_order_only_if_they_are_complete():
    later = XML.replace("12:56:38.031", "12:59:00.000").replace("Web-01", "Web-02")
    both = XML.replace("</Events>", "") + later[later.index("<Event xmlns") :]
    flipped = both.replace("12:56:38.031", "13:30:00.000")
    assert [f.vm for f in diagnosed(flipped).timeline] == ["Web-02", "Web-01"]


def test_an_event_without_its_message_still_tells_by_its_data():
    text = rf"""<Events><Event><System><Provider Name='Microsoft-Windows-Hyper-V-VMMS'/>
<TimeCreated SystemTime='2026-09-23T12:56:38.031Z'/><Computer>HYPER01.contoso.com</Computer>
</System><UserData><VmlEventLog><VmName>Web-01</VmName><VmId>{samples.SECOND}</VmId>
<Parameter0>\\\\srv\\share\\Server 2022\\a b.iso</Parameter0>
<ErrorMessage>%%2147942405</ErrorMessage><ErrorCode>0x80070005</ErrorCode></VmlEventLog></UserData></Event></Events>""".replace(
        "\\\\", "\\"
    )
    failure = only(text)
    assert (failure.vm, failure.file) == ("Web-01", r"\\srv\share\Server 2022\a b.iso")
    assert (failure.hresult, failure.host) == ("0x80070005", "HYPER01.contoso.com")
    assert failure.identity is Identity.UNCLEAR


@pytest.mark.parametrize(
    "head",
    [
        "Log Name: x\nSource: Hyper-V-VMMS\nDate: 9/23/2026 2:56:38 PM\nEvent ID: 12700\n"
        "Computer: HYPER01.contoso.com\nDescription:\n",
        "Protokollname: x\nQuelle: Hyper-V-VMMS\nDatum: 23.09.2026 14:56:38\nEreignis-ID: 12700\n"
        "Computer: HYPER01.contoso.com\nBeschreibung:\n",
        "TimeCreated  : 23.09.2026 14:56:38\nId           : 12700\n"
        "MachineName  : HYPER01.contoso.com\nMessage      : ",
    ],
)
def test_an_event_copied_as_text(head: str):
    failure = only(head + MESSAGE)
    assert (failure.host, failure.vm) == ("HYPER01.contoso.com", "Web-01")
    assert failure.code is None
    assert str(failure.seen.when) == "2026-09-23 14:56:38"


def test_a_column_of_codes():
    text = f'Name,ErrorCode,Description\nChange,12700,"{MESSAGE}"\nRefresh,0,fine\n'
    assert only(text).code == 12700


@pytest.mark.parametrize("value", ["2147942405", "-2147024891", "0x80070005"])
def test_results_are_read_from_columns_in_every_notation(value: str):
    failure = only(f'Name,HResult,Description\nChange,{value},"open {samples.FILE}"\n')
    assert failure.hresult == "0x80070005"
