"""What DriverBench does, done by asyncpg and psycopg: prints one figure a line, as "driver workload value"."""

import asyncio
import sys
import time

import asyncpg
import psycopg

SECONDS = 2.0
socket, port, user, database, rows_query = sys.argv[1:6]


async def rate(driver, workload, work):
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        done += await work()
    print(driver, workload, done / (time.perf_counter() - start))


async def with_asyncpg():
    pool = await asyncpg.create_pool(
        host=socket, port=int(port), user=user, database=database, min_size=1, max_size=5)

    async def rows():
        return len([tuple(row) for row in await pool.fetch(rows_query)])

    async def acquire():
        for _ in range(1000):
            async with pool.acquire():
                pass
        return 1000

    async def copy():
        records = ((i, "a label of some length") for i in range(1_000_000))
        async with pool.acquire() as connection:
            await connection.copy_records_to_table("copied", records=records)
            await connection.execute("TRUNCATE copied")
        return 1_000_000

    await pool.execute("CREATE TABLE IF NOT EXISTS copied (id int8, label text)")
    await rate("asyncpg", "rows", rows)
    await rate("asyncpg", "acquire", acquire)
    await rate("asyncpg", "copy", copy)
    await pool.close()


async def with_psycopg():
    connection = await psycopg.AsyncConnection.connect(
        host=socket, port=port, user=user, dbname=database, autocommit=True)

    async def rows():
        cursor = connection.cursor(binary=True)
        await cursor.execute(rows_query)
        return len(await cursor.fetchall())

    async def batch():
        async with connection.pipeline():
            cursors = [await connection.execute("SELECT %s::int8", (i,), prepare=True) for i in range(100)]
        return len([await cursor.fetchone() for cursor in cursors])

    await rate("psycopg", "rows", rows)
    await rate("psycopg", "batch", batch)
    await connection.close()


asyncio.run(with_asyncpg())
asyncio.run(with_psycopg())
