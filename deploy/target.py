"""What the package is made for: the runtime and the processor that serverless.yml names."""

from __future__ import annotations

PYTHON = (3, 13)
"""Minor version of the runtime. Bytecode of another one would be ignored there."""

CACHE_TAG = f"cpython-{PYTHON[0]}{PYTHON[1]}"
"""How that interpreter names its bytecode."""

PLATFORM = "manylinux2014_aarch64"
"""Lambda's arm64 runs Amazon Linux 2023 with glibc 2.34, which runs wheels for 2.17 too:
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"""

ELF_MACHINE = 183
"""The same processor in the header of a native library (EM_AARCH64)."""

TASK_ROOT = "/var/task"
"""Where Lambda unpacks the package, and so what tracebacks say:
https://docs.aws.amazon.com/lambda/latest/dg/python-package.html"""

IN_THE_RUNTIME = frozenset(
    {"boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"}
)
"""The AWS SDK and what it brings: the runtime has them, already compiled, and shipping them would make the
package five times as large. https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html"""
