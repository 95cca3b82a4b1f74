"""The peer of ``gateway_vs_fastapi``: FastAPI and nothing else, one worker, parsing the same body and answering 201."""

from fastapi import FastAPI

app = FastAPI()


@app.post("/v1/shares", status_code=201)
async def post_share(record: dict[str, object]) -> dict[str, object]:
    """Parse the record and answer."""
    return {"members": len(record)}
