#!/usr/bin/env bash
# Builds one image of the checkout and pushes it with its SBOM and provenance; prints its digest.
#   publish.sh airflow|scorer REGISTRY COMMIT
# A commit is built once: what is there already under its name is what there is.
set -euo pipefail
target=$1 registry=$2 commit=$3
repository=nightcatch-$target
buildkit=moby/buildkit:v0.32.0@sha256:1f8167fcb0eca5b7126353d35299386945cbb8949cc516c592a49f80cfce4fa2
generator=docker/buildkit-syft-scanner@sha256:ae4f3b554449e7e25548e7d8ccc029d17357348e30c6e3df01b92bc93654d6a9 # 1.12.0

digest_there() {
    aws ecr describe-images --repository-name "$repository" --image-ids "imageTag=$commit" \
        --query 'imageDetails[0].imageDigest' --output text
}

if ! digest=$(digest_there 2>/dev/null); then
    aws ecr get-login-password | docker login --username AWS --password-stdin "$registry" >&2
    docker buildx inspect nightcatch >/dev/null 2>&1 ||
        docker buildx create --name nightcatch --driver docker-container --driver-opt "image=$buildkit" >&2
    docker buildx build --builder nightcatch --platform linux/amd64 --target "$target" \
        --build-arg "CODE_COMMIT=$commit" --provenance mode=max \
        --attest "type=sbom,generator=$generator" \
        --tag "$registry/$repository:$commit" --push . >&2
    digest=$(digest_there)
fi
echo "$registry/$repository@$digest"
