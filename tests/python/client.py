"""A client of OpenAssay in Python, made of nothing but the interface in proto/.

    pip install grpcio-tools grpcio-health-checking grpcio-reflection grpcio-status
    openassay serve
    python tests/python/client.py --server 127.0.0.1:50051 data/manifest.csv

It needs a server with a model (`openassay models push --bundle model --promote`) and a manifest of
spectra that suit it. What it did and heard is printed as JSON. Take from it what you need: each
function shows one thing.
"""

import argparse
import csv
import itertools
import json
import math
import sys
import tempfile
import threading
import time
from pathlib import Path

import grpc
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from grpc_status import rpc_status
from grpc_tools import protoc

# A project of your own makes its modules once, when it is built:
#   python -m grpc_tools.protoc -I proto --python_out=. --grpc_python_out=. $(find proto -name '*.proto')
PROTO = Path(__file__).resolve().parents[2] / "proto"
MODULES = tempfile.TemporaryDirectory(prefix="openassay-client-")
OUTPUTS = [f"--python_out={MODULES.name}", f"--grpc_python_out={MODULES.name}"]
FILES = sorted(str(file) for file in PROTO.rglob("*.proto"))
if protoc.main(["protoc", f"-I{PROTO}", *OUTPUTS, *FILES]) != 0:
    sys.exit("the files in proto/ cannot be compiled")
sys.path.insert(0, MODULES.name)

from openassay.datasets.v1 import datasets_pb2, datasets_pb2_grpc  # noqa: E402
from openassay.explain.v1 import explain_pb2, explain_pb2_grpc  # noqa: E402
from openassay.gate.v1 import gate_pb2, gate_pb2_grpc  # noqa: E402
from openassay.ingest.v1 import ingest_pb2, ingest_pb2_grpc  # noqa: E402
from openassay.jobs.v1 import jobs_pb2, jobs_pb2_grpc  # noqa: E402

OPTIONS = [
    # The server sends messages up to this size; grpc takes no more than 4 MiB by itself.
    ("grpc.max_receive_message_length", 16 << 20),
    # A proxy for the web does not lead to an instrument's computer.
    ("grpc.enable_http_proxy", 0),
]


# --- connection, errors -----------------------------------------------------------------------


class Client:
    """One connection with a stub of every service; all may be used from several threads."""

    def __init__(self, address):
        self.channel = grpc.insecure_channel(address.removeprefix("http://"), OPTIONS)
        self.ingest = ingest_pb2_grpc.IngestServiceStub(self.channel)
        self.gate = gate_pb2_grpc.GateServiceStub(self.channel)
        self.explain = explain_pb2_grpc.ExplainServiceStub(self.channel)
        self.datasets = datasets_pb2_grpc.DatasetServiceStub(self.channel)
        self.jobs = jobs_pb2_grpc.JobServiceStub(self.channel)


def error_facts(error):
    """What an error says beyond its words: the fields at fault, a reason for programs, when to
    try again."""
    facts = {"code": error.code().name, "message": error.details(), "fields": {}}
    status = rpc_status.from_call(error)
    for detail in status.details if status else []:
        if detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            bad = error_details_pb2.BadRequest.FromString(detail.value)
            facts["fields"] = {v.field: v.description for v in bad.field_violations}
        elif detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            facts["reason"] = error_details_pb2.ErrorInfo.FromString(detail.value).reason
        elif detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
            retry = error_details_pb2.RetryInfo.FromString(detail.value)
            facts["retry_after_s"] = retry.retry_delay.ToTimedelta().total_seconds()
    return facts


def patiently(call, attempts=30):
    """Makes a call, and makes it again after the time that the server names when it says that
    this is worth it, or after a second when there is no server to say anything."""
    for left in reversed(range(attempts)):
        try:
            return call()
        except grpc.RpcError as error:
            facts = error_facts(error)
            nobody = facts["code"] == "UNAVAILABLE"
            retry_after_s = facts.get("retry_after_s", 1.0 if nobody else None)
            if retry_after_s is None or left == 0:
                raise
            time.sleep(retry_after_s)


def error_of(call):
    """The facts of the error of a call that cannot succeed."""
    try:
        call()
    except grpc.RpcError as error:
        return error_facts(error)
    raise AssertionError("the call succeeded")


# --- what the server offers -------------------------------------------------------------------


def health(client):
    """Whether the whole server is ready; the name of a service instead of "" asks about it."""
    request = health_pb2.HealthCheckRequest(service="")
    answer = health_pb2_grpc.HealthStub(client.channel).Check(request)
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


def services(client):
    """The names of all services, by reflection."""
    return sorted(ProtoReflectionDescriptorDatabase(client.channel).get_services())


# --- spectra ----------------------------------------------------------------------------------


def put_file(client, file):
    """Sends a file as it is. The digest in the answer names the spectrum from now on."""
    request = ingest_pb2.PutFileRequest(content=file.read_bytes(), file_name=file.name)
    return client.ingest.PutFile(request).spectrum


def put_numbers(client, counts, live_time_s, calibration_kev):
    """Sends a spectrum as numbers, for example straight from an instrument."""
    request = ingest_pb2.PutSpectrumRequest(
        counts=counts,
        live_time_s=live_time_s,
        calibration_kev=calibration_kev,
        start_time="2026-05-01T12:00:00Z",
        title="from Python",
    )
    return client.ingest.PutSpectrum(request).spectrum


# --- answers ----------------------------------------------------------------------------------


def answer_facts(answer):
    """An answer as plain values."""
    unknown = answer.verdict == gate_pb2.VERDICT_UNKNOWN
    return {
        "answer": "UNKNOWN" if unknown else answer.label,
        "best_class": answer.closed_set_label,
        "probabilities": dict(zip(answer.class_labels, answer.class_probabilities)),
        "gate_score": answer.gate_score,
        "p_value": answer.p_value,
        "bundle": answer.bundle,
        "spectrum": answer.spectrum_digest,
    }


def identify(client, file, timeout_s=60):
    """Which material a file shows. The deadline goes along: what cannot be answered in time is
    not begun."""
    request = gate_pb2.IdentifyRequest(content=file.read_bytes(), file_name=file.name)
    return client.gate.Identify(request, timeout=timeout_s)


def identify_stream(client, digests):
    """Answers about many spectra over one stream, in their order. One that cannot be answered
    has an error in its place and does not stop the others."""
    requests = (
        gate_pb2.IdentifyStreamRequest(
            request_id=str(number),
            request=gate_pb2.IdentifyRequest(spectrum_digest=digest),
        )
        for number, digest in enumerate(digests)
    )
    for item in client.gate.IdentifyStream(requests):
        if item.error_code:
            yield item.request_id, item.error_message
        else:
            yield item.request_id, answer_facts(item.response)


def explain(client, digest):
    """Which energies decided: the class activation map of a spectrum and its main regions."""
    question = gate_pb2.IdentifyRequest(spectrum_digest=digest)
    return client.explain.ExplainCam(explain_pb2.ExplainCamRequest(request=question, regions=3))


# --- jobs -------------------------------------------------------------------------------------


def create_dataset(client, rows, digests):
    """Lists spectra for a job: the rows of a manifest, whose spectra were put before."""
    roles = {"known": datasets_pb2.ROLE_KNOWN, "unknown": datasets_pb2.ROLE_UNKNOWN}
    rows = [
        datasets_pb2.DatasetRow(
            spectrum_digest=digest,
            label=row["label"],
            role=roles[row["role"]],
            file_name=row["file"],
        )
        for row, digest in zip(rows, digests)
    ]
    return client.datasets.CreateDataset(datasets_pb2.CreateDatasetRequest(rows=rows)).digest


def watch(client, job, after_sequence=0, timeout_s=None):
    """The events of a job to its end. A watch that broke off goes on after the last number."""
    request = jobs_pb2.WatchRequest(id=job, after_sequence=after_sequence)
    return client.jobs.Watch(request, timeout=timeout_s)


def watch_to_the_end(client, job):
    """Watches over broken connections and new starts of the server, without a gap."""
    seen = []
    final = (
        jobs_pb2.JOB_STATE_SUCCEEDED,
        jobs_pb2.JOB_STATE_FAILED,
        jobs_pb2.JOB_STATE_CANCELLED,
    )

    def rest():
        for event in watch(client, job, after_sequence=seen[-1].sequence if seen else 0):
            seen.append(event)

    # A server that ends in order ends the stream, too.
    while not seen or seen[-1].state not in final:
        patiently(rest)
    return seen


def artefact(client, job, name):
    """The bytes of a result."""
    request = jobs_pb2.GetArtefactRequest(id=job, name=name)
    return b"".join(part.chunk for part in client.jobs.GetArtefact(request))


def batch_job(client, dataset):
    """Identifies a whole data set as a job: submitted, watched in two parts, results fetched."""
    request = jobs_pb2.SubmitRequest(
        lane=jobs_pb2.LANE_IDENTIFY, dataset=dataset, idempotency_key="batch from Python"
    )
    job = client.jobs.Submit(request).job.id
    # Submitted again, because an answer may get lost: the same key is the same job.
    again = client.jobs.Submit(request)
    first = list(itertools.islice(watch(client, job), 1))
    rest = list(watch(client, job, after_sequence=first[-1].sequence))
    results = artefact(client, job, "results.jsonl")
    return {
        "created_again": again.created or again.job.id != job,
        "sequences": [event.sequence for event in first + rest],
        "sequences_of_all": [event.sequence for event in watch_to_the_end(client, job)],
        "state": jobs_pb2.JobState.Name(rest[-1].state),
        "results": [json.loads(line) for line in results.splitlines()],
    }


def cancelled_job(client, dataset):
    """Begins a training that would take days, gives up waiting for it, and stops it."""
    specification = {
        "model": {"kind": "cnn1d"},
        "epochs": 1_000_000,
        "schedule": {"bounds": {"base": 0.001, "max": 0.01}},
        "validation": {"from": "none"},
    }
    request = jobs_pb2.SubmitRequest(
        lane=jobs_pb2.LANE_TRAIN,
        dataset=dataset,
        model="from-python",
        specification_json=json.dumps(specification),
    )
    job = client.jobs.Submit(request).job.id
    deadline = error_of(lambda: list(watch(client, job, timeout_s=1)))
    client.jobs.Cancel(jobs_pb2.CancelRequest(id=job, reason="an example"))
    last = watch_to_the_end(client, job)[-1]
    return {"deadline": deadline, "state": jobs_pb2.JobState.Name(last.state)}


# --- errors -----------------------------------------------------------------------------------


def errors(client):
    """What errors look like."""
    put_file = client.ingest.PutFile
    put_spectrum = client.ingest.PutSpectrum
    bad = {"counts": [1, 2], "live_time_s": math.nan, "calibration_kev": [0.0, -1.0]}
    return {
        "no_spectrum": error_of(lambda: put_file(ingest_pb2.PutFileRequest(content=b"x"))),
        "bad_numbers": error_of(lambda: put_spectrum(ingest_pb2.PutSpectrumRequest(**bad))),
        "not_there": error_of(lambda: explain(client, "0" * 64)),
        "too_large": error_of(
            lambda: put_file(ingest_pb2.PutFileRequest(content=bytes(17 << 20)))
        ),
    }


def overload(client, digest):
    """Opens streams until the server has no place left: it says when to come again, and lets the
    request in once there is a place. Start the server with --set server.max_in_flight=8 for it."""
    request = gate_pb2.IdentifyRequest(spectrum_digest=digest)
    free = threading.Event()

    def one_request_and_no_end():
        yield gate_pb2.IdentifyStreamRequest(request=request)
        free.wait()

    streams = []
    try:
        while True:
            stream = client.gate.IdentifyStream(one_request_and_no_end())
            next(stream)
            streams.append(stream)
    except grpc.RpcError as error:
        refused = error_facts(error)
    finally:
        free.set()
    answer = patiently(lambda: client.gate.Identify(request))
    further = [answer for stream in streams for answer in stream]
    return {
        "places": len(streams),
        "refused": refused,
        "answer": answer_facts(answer),
        "further": len(further),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default="127.0.0.1:50051", metavar="HOST:PORT")
    parser.add_argument("--overload", action="store_true", help="take every place of the server")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--watch", metavar="JOB", help="only watch this job to its end")
    what.add_argument("manifest", nargs="?", type=Path, help="CSV file with file, label and role")
    options = parser.parse_args()
    client = Client(options.server)
    if options.watch:
        events = watch_to_the_end(client, options.watch)
        json.dump([[e.sequence, jobs_pb2.JobState.Name(e.state)] for e in events], sys.stdout)
        return
    with options.manifest.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    files = [options.manifest.parent / row["file"] for row in rows]

    told = {"health": health(client), "services": services(client)}
    spectra = [put_file(client, file) for file in files]
    digests = [spectrum.digest for spectrum in spectra]
    kept = client.ingest.GetFile(ingest_pb2.GetFileRequest(digest=digests[0]))
    told["file_came_back"] = kept.content == files[0].read_bytes()
    told["total_counts"] = [spectrum.total_counts for spectrum in spectra]

    counts = [channel * 7919 % 1000 for channel in range(4096)]
    spectrum = put_numbers(client, counts, live_time_s=100.0, calibration_kev=[0.5, 2.7])
    request = ingest_pb2.GetSpectrumRequest(digest=spectrum.digest)
    kept = client.ingest.GetSpectrum(request)
    told["numbers_came_back"] = list(kept.counts) == counts
    told["calibration_kev"] = list(kept.spectrum.calibration_kev)

    told["answers"] = [answer_facts(identify(client, file)) for file in files]
    told["stream"] = list(identify_stream(client, ["0" * 64, *digests]))
    if options.overload:
        told["overload"] = overload(client, digests[0])

    found = explain(client, digests[0])
    told["explanation"] = {
        "answer": answer_facts(found.answer),
        "label": found.label,
        "energy_kev": list(found.energy_kev),
        "importance": list(found.importance),
        "regions": [[r.from_kev, r.peak_kev, r.to_kev, r.share] for r in found.regions],
    }

    dataset = create_dataset(client, rows, digests)
    told["batch"] = batch_job(client, dataset)
    told["cancelled"] = cancelled_job(client, dataset)
    told["errors"] = errors(client)
    json.dump(told, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
