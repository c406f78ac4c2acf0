"""The sites columns are those of the archive, in its order, with its values and its other names."""

import hashlib
import re

import pytest

from include.contract.headers import fold
from include.ingest.files.download import rows_digest
from include.ingest.files.reader import Row, read_records
from include.pipelines.sites.records import DATASET, FIELDS, LAYOUT, TARGET

# The archive's own declaration of the columns: Training Dataset.arff of UCI 327.
ARFF = """@relation phishing

@attribute having_IP_Address  { -1,1 }
@attribute URL_Length   { 1,0,-1 }
@attribute Shortining_Service { 1,-1 }
@attribute having_At_Symbol   { 1,-1 }
@attribute double_slash_redirecting { -1,1 }
@attribute Prefix_Suffix  { -1,1 }
@attribute having_Sub_Domain  { -1,0,1 }
@attribute SSLfinal_State  { -1,1,0 }
@attribute Domain_registeration_length { -1,1 }
@attribute Favicon { 1,-1 }
@attribute port { 1,-1 }
@attribute HTTPS_token { -1,1 }
@attribute Request_URL  { 1,-1 }
@attribute URL_of_Anchor { -1,0,1 }
@attribute Links_in_tags { 1,-1,0 }
@attribute SFH  { -1,1,0 }
@attribute Submitting_to_email { -1,1 }
@attribute Abnormal_URL { -1,1 }
@attribute Redirect  { 0,1 }
@attribute on_mouseover  { 1,-1 }
@attribute RightClick  { 1,-1 }
@attribute popUpWidnow  { 1,-1 }
@attribute Iframe { 1,-1 }
@attribute age_of_domain  { -1,1 }
@attribute DNSRecord   { -1,1 }
@attribute web_traffic  { -1,0,1 }
@attribute Page_Rank { -1,1 }
@attribute Google_Index { 1,-1 }
@attribute Links_pointing_to_page { 1,0,-1 }
@attribute Statistical_report { -1,1 }
@attribute Result  { -1,1 }

@data
"""
VALUES = [1, 0, -1, 1, -1, -1, 0, 1, -1, 1, 1, -1, 1, 0, -1] + [1] * 15 + [-1]
OTHER_HEADERS = {
    "uci_python_client": "having_ip_address,url_length,shortining_service,having_at_symbol,"
    "double_slash_redirecting,prefix_suffix,having_sub_domain,sslfinal_state,"
    "domain_registration_length,favicon,port,https_token,request_url,url_of_anchor,links_in_tags,"
    "sfh,submitting_to_email,abnormal_url,redirect,on_mouseover,rightclick,popupwindow,iframe,"
    "age_of_domain,dnsrecord,web_traffic,page_rank,google_index,links_pointing_to_page,"
    "statistical_report,result",
    "doubled_names": "having_IPhaving_IP_Address,URLURL_Length,Shortining_Service,having_At_Symbol,"
    "double_slash_redirecting,Prefix_Suffix,having_Sub_Domain,SSLfinal_State,"
    "Domain_registeration_length,Favicon,port,HTTPS_token,Request_URL,URL_of_Anchor,Links_in_tags,"
    "SFH,Submitting_to_email,Abnormal_URL,Redirect,on_mouseover,RightClick,popUpWidnow,Iframe,"
    "age_of_domain,DNSRecord,web_traffic,Page_Rank,Google_Index,Links_pointing_to_page,"
    "Statistical_report,Result",
    "short_names": "UsingIP,LongURL,ShortURL,Symbol@,Redirecting//,PrefixSuffix-,SubDomains,HTTPS,"
    "DomainRegLen,Favicon,NonStdPort,HTTPSDomainURL,RequestURL,AnchorURL,LinksInScriptTags,"
    "ServerFormHandler,InfoEmail,AbnormalURL,WebsiteForwarding,StatusBarCust,DisableRightClick,"
    "UsingPopupWindow,IframeRedirection,AgeofDomain,DNSRecording,WebsiteTraffic,PageRank,"
    "GoogleIndex,LinksPointingToPage,StatsReport,class",
}


def test_columns_and_values_are_those_of_the_archive():
    declared = {
        name: tuple(sorted(int(value) for value in values.split(",")))
        for name, values in re.findall(r"@attribute (\S+)\s+\{(.*)\}", ARFF)
    }

    label = declared.pop("Result")
    assert {field.name: field.allowed for field in FIELDS} == declared
    assert [field.name for field in FIELDS] == list(declared)
    assert label == (TARGET.positive, TARGET.negative)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_every_value_is_described_in_words(field):
    subject, _, meanings = field.description.partition(": ")

    assert subject
    assert [int(part.split(" = ")[0]) for part in meanings.split("; ")] == list(field.allowed)
    assert all(len(part.split(" = ", 1)[1]) > 5 for part in meanings.split("; "))


def test_the_archives_own_layout_is_read(tmp_path):
    path = tmp_path / "Training Dataset.arff"
    path.write_text(ARFF + ",".join(map(str, VALUES)) + "\n")

    (row,) = read_records(path, LAYOUT)

    assert list(row.record.items()) == list(zip(LAYOUT.dtypes, VALUES, strict=True))


@pytest.mark.parametrize("header", OTHER_HEADERS.values(), ids=OTHER_HEADERS.keys())
def test_other_spellings_name_the_same_columns_in_the_same_places(tmp_path, header):
    path = tmp_path / "some.csv"
    path.write_text(f"index,{header}\n1,{','.join(map(str, VALUES))}\n")

    (row,) = read_records(path, LAYOUT)

    assert list(row.record.items()) == list(zip(LAYOUT.dtypes, VALUES, strict=True))


def test_no_name_of_a_column_is_that_of_another_one():
    names = [{fold(name) for name in names} for names in LAYOUT.aliases.values()]

    assert len(set.union(*names)) == sum(map(len, names))


def test_the_download_is_the_archives_own_and_its_rows_are_pinned():
    assert re.fullmatch(r"[0-9a-f]{64}", DATASET.rows_sha256)
    assert all("//archive.ics.uci.edu/" in address.url for address in DATASET.addresses)


def test_the_digest_of_rows_is_that_of_the_usual_file(data_dir):
    path = data_dir / "phishing_websites.csv"

    assert rows_digest(path, LAYOUT) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_minus_one_is_phishing():
    assert TARGET.encode([-1, 1]).tolist() == [1, 0]


def test_the_label_runs_as_the_archive_says(data_dir):
    """Sites whose links lead nowhere are phishing; those with a trusted certificate are not."""
    rows = [
        row.record
        for row in read_records(data_dir / "phishing_websites.csv", LAYOUT)
        if isinstance(row, Row)
    ]

    def phishing_share(column, value):
        labels = [row["Result"] for row in rows if row[column] == value]
        return TARGET.encode(labels).mean()

    assert phishing_share("URL_of_Anchor", -1) == pytest.approx(0.989, abs=0.01)
    assert phishing_share("SSLfinal_State", 1) == pytest.approx(0.11, abs=0.01)
    assert TARGET.encode([row["Result"] for row in rows]).mean() == pytest.approx(0.443, abs=0.005)
    for field in FIELDS:
        assert {row[field.name] for row in rows} == set(field.allowed)
