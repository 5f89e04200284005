/* What libpq takes by itself, in a program that does next to nothing with the answers: the least that a driver over it can take.
 *
 *   libpq CONNECTION-STRING QUERY FIGURE...
 *
 * Prints each figure in a line, as "name value": `rows` of the query and statements of a `batch` a second, the middle one of the
 * times of a lone query (`p50`), and the processor time of one of 64 at once (`processor`), both in microseconds. */
#include <libpq-fe.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

enum { seconds = 2, connections = 5, inFlight = 64, batchSize = 100, perFlush = 32, most = 4000000 };

static void check(int isFine, PGconn *connection) {
  if (isFine) return;
  fputs(PQerrorMessage(connection), stderr);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static double processorTime(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static PGconn *connectTo(const char *place, const char *rows) {
  PGconn *connection = PQconnectdb(place);
  check(PQstatus(connection) == CONNECTION_OK, connection);
  PQclear(PQprepare(connection, "one", "SELECT $1::int8", 0, NULL));
  PQclear(PQprepare(connection, "rows", rows, 0, NULL));
  check(PQsetnonblocking(connection, 1) == 0 && PQenterPipelineMode(connection), connection);
  return connection;
}

static void sendOne(PGconn *connection) {
  int64_t number = 0;
  const char *values[] = {(char *)&number};
  int lengths[] = {sizeof number}, formats[] = {1};
  check(PQsendQueryPrepared(connection, "one", 1, values, lengths, formats, 1), connection);
}

static int watch(PGconn **all, int count) {
  int set = epoll_create1(0);
  for (int i = 0; i < count; i++) {
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
    check(epoll_ctl(set, EPOLL_CTL_ADD, PQsocket(all[i]), &event) == 0, all[i]);
  }
  return set;
}

/* Takes what has come; says how many segments of the pipeline have ended. */
static int takeAnswers(PGconn *connection, int64_t *rows) {
  int ended = 0;
  check(PQconsumeInput(connection), connection);
  /* Between two statements stands an end; two in a row mean that no more is expected. */
  for (int ends = 0; ends < 2 && !PQisBusy(connection);) {
    PGresult *result = PQgetResult(connection);
    ends = result ? 0 : ends + 1;
    if (!result) continue;
    ExecStatusType status = PQresultStatus(result);
    check(status == PGRES_TUPLES_OK || status == PGRES_PIPELINE_SYNC, connection);
    if (status == PGRES_PIPELINE_SYNC) ended++;
    *rows += PQntuples(result);
    PQclear(result);
  }
  return ended;
}

static int64_t await(PGconn *connection, int set) {
  int64_t rows = 0;
  struct epoll_event event;
  do epoll_wait(set, &event, 1, -1);
  while (takeAnswers(connection, &rows) == 0);
  return rows;
}

static double rowsASecond(PGconn *connection, int set) {
  double start = now();
  int64_t rows = 0;
  while (now() - start < seconds) {
    check(PQsendQueryPrepared(connection, "rows", 0, NULL, NULL, NULL, 1), connection);
    check(PQpipelineSync(connection) && PQflush(connection) == 0, connection);
    rows += await(connection, set);
  }
  return rows / (now() - start);
}

static double statementsASecond(PGconn *connection, int set) {
  double start = now();
  int64_t rows = 0;
  while (now() - start < seconds) {
    for (int i = 1; i <= batchSize; i++) {
      sendOne(connection);
      if (i % perFlush == 0) check(PQsendFlushRequest(connection) && PQflush(connection) == 0, connection);
    }
    check(PQpipelineSync(connection) && PQflush(connection) == 0, connection);
    rows += await(connection, set);
  }
  return rows / (now() - start);
}

static int compare(const void *left, const void *right) {
  double difference = *(const double *)left - *(const double *)right;
  return (difference > 0) - (difference < 0);
}

static double latency(PGconn *connection, int set) {
  double *times = malloc(most * sizeof *times), start = now();
  int count = 0;
  for (double before = start; before - start < seconds && count < most; count++) {
    sendOne(connection);
    check(PQpipelineSync(connection) && PQflush(connection) == 0, connection);
    await(connection, set);
    double after = now();
    times[count] = (after - before) * 1e6;
    before = after;
  }
  qsort(times, count, sizeof *times, compare);
  double middle = times[count / 2];
  free(times);
  return middle;
}

/* Each query a segment of its own, as those of several callers are; an answer is followed by the next query. */
static double processorTimeOfMany(PGconn **all, int set) {
  for (int i = 0; i < inFlight; i++) {
    PGconn *connection = all[i % connections];
    sendOne(connection);
    check(PQpipelineSync(connection) && PQflush(connection) == 0, connection);
  }
  double start = now(), before = processorTime();
  int64_t done = 0, rows = 0;
  while (now() - start < seconds) {
    struct epoll_event events[connections];
    int ready = epoll_wait(set, events, connections, -1);
    for (int i = 0; i < ready; i++) {
      PGconn *connection = all[events[i].data.u32];
      int ended = takeAnswers(connection, &rows);
      done += ended;
      while (ended-- > 0) {
        sendOne(connection);
        check(PQpipelineSync(connection) && PQflush(connection) == 0, connection);
      }
    }
  }
  return (processorTime() - before) / done * 1e6;
}

int main(int count, char **arguments) {
  if (count < 3) return 2;
  PGconn *all[connections];
  for (int i = 0; i < connections; i++) all[i] = connectTo(arguments[1], arguments[2]);
  int one = watch(all, 1), every = watch(all, connections);
  for (int i = 3; i < count; i++) {
    const char *name = arguments[i];
    double figure = !strcmp(name, "rows") ? rowsASecond(all[0], one)
      : !strcmp(name, "batch") ? statementsASecond(all[0], one)
      : !strcmp(name, "p50") ? latency(all[0], one)
      : !strcmp(name, "processor") ? processorTimeOfMany(all, every) : -1;
    if (figure < 0) return 2;
    printf("%s %f\n", name, figure);
  }
  return 0;
}
