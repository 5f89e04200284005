// libmicrohttpd for Swift: its start call is variadic, and so are the messages of its log.
#pragma once
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <microhttpd.h>

// Everything a daemon is started with. It must stay in place until the daemon is stopped: the log reads it.
struct keel_http_options {
  int listen_socket;                // bound and listening; the daemon takes it over
  size_t connection_memory;         // for headers and buffers, per connection
  unsigned int connection_limit;
  unsigned int connections_per_ip;  // 0: no limit
  unsigned int idle_seconds;        // 0: no time-out
  const char *tls_certificate;      // PEM text; NULL: plain HTTP
  const char *tls_key;
  const char *tls_priorities;

  void *context;                    // first argument of all the callbacks below
  void *(*request_begins)(void *context, const char *target, struct MHD_Connection *connection);
  MHD_AccessHandlerCallback handle;
  MHD_RequestCompletedCallback request_completed;
  MHD_NotifyConnectionCallback connection_changed;
  void (*log)(void *context, const char *message);
  // The library is about to answer a request with an error of its own. It does not say whose: the connection is the one
  // that has a header size and has not been handed to `handle`, if there is one.
  void (*refuses)(void *context, unsigned int status);
};

// Starts a daemon in external epoll mode with suspend and resume; NULL when the library refuses.
struct MHD_Daemon *keel_http_start(const struct keel_http_options *options);

// Whether a daemon takes these, all as in the options; starts one that listens nowhere.
int keel_http_takes_tls(const char *certificate, const char *key, const char *priorities);

// The descriptor that becomes readable when the daemon has work; -1 if there is none.
int keel_http_epoll_descriptor(struct MHD_Daemon *daemon);

// What the library knows of a connection; its own call is variadic.
int keel_http_descriptor(struct MHD_Connection *connection);
const struct sockaddr *keel_http_remote_address(struct MHD_Connection *connection);
size_t keel_http_header_size(struct MHD_Connection *connection);
unsigned int keel_http_queued_status(struct MHD_Connection *connection);  // 0: none
void *keel_http_socket_context(struct MHD_Connection *connection);

// Whether a header field goes on in further lines. 0.9.75 appends those to the field's *name*, in a copy of it; where all is
// in order, nothing but blanks stands between name and value.
int keel_http_is_folded(const char *name, size_t size, const char *value);

// Whether the head of a request was read to its end; all but the size of the target as the library gave it to `handle`. 0.9.75
// takes a NUL for the end of what it stands in, and a line without a name for the end of the headers: what follows would
// be the next request.
int keel_http_is_whole(struct MHD_Connection *connection, const char *method, const char *target, size_t target_size,
                       const char *version);

// Makes the library look at a connection in each of its runs from now on. 0.9.75 closes a connection whose body failed,
// and then forgets to clean up after it unless it looks again.
void keel_http_look_again(struct MHD_Connection *connection);

// No chunks for this response: 0.9.75 ends a chunked answer to HEAD with the last chunk of the body it does not have.
void keel_http_forbid_chunks(struct MHD_Response *response);

// Gives an upgraded connection back to the library, which closes its own descriptor at its next run.
void keel_http_end_upgrade(struct MHD_UpgradeResponseHandle *upgrade);
