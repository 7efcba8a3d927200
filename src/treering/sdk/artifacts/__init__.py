"""
Artifacts in the client: making, logging, finding, downloading.

::

    Artifact ──log_artifact──▶ Recorder ──▶ blobs + run log ──(uploader)──▶ server
    Artifact ◀──reader── server        Artifact.download ──▶ files below a folder
"""
