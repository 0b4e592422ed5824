"""`python -m workers`: one worker process. Its settings stand in realname/settings.py, Worker.

The solo process is the same command with REALNAME_QUEUES=liveness.solo,matching.solo and REALNAME_THREADS=1.
"""

from workers.assemble import main

if __name__ == "__main__":
    raise SystemExit(main())
