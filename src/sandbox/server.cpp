#include "sandbox/server.h"

#include <Poco/Exception.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "base/error.h"

namespace surveysync::sandbox {
namespace {

constexpr std::size_t kMaxClients = 128;

// OpenSSL writes with write(2): a client that went away must not end the process.
void block_sigpipe() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace

void Server::start(std::uint16_t port) {
  try {
    Poco::Net::ServerSocket four;
    four.bind(Poco::Net::SocketAddress("127.0.0.1", port), true);
    four.listen(64);
    port_ = four.address().port();
    sockets_.push_back(four);
  } catch (const Poco::Exception& error) {
    throw Error(ErrorKind::unavailable, fmt::format("cannot listen on 127.0.0.1:{}: {}", port, error.displayText()));
  }
  try {
    Poco::Net::ServerSocket six;
    six.bind6(Poco::Net::SocketAddress("::1", port_), true, true);
    six.listen(64);
    sockets_.push_back(six);
  } catch (const Poco::Exception&) {
    // A machine without IPv6, or the port is taken there: clients fall back to 127.0.0.1.
  }
  for (auto& socket : sockets_) {
    listeners_.emplace_back([this, socket](const std::stop_token& stop) mutable { listen(socket, stop); });
  }
}

void Server::listen(Poco::Net::ServerSocket& socket, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    try {
      if (!socket.poll(Poco::Timespan(0, 50000), Poco::Net::Socket::SELECT_READ)) continue;
      Poco::Net::SocketAddress peer;
      Poco::Net::StreamSocket accepted = socket.acceptConnection(peer);
      accept(::dup(accepted.impl()->sockfd()));
    } catch (const Poco::Exception&) {
      // One connection that failed while being accepted concerns nobody else.
    }
  }
}

void Server::accept(int fd) {
  if (fd < 0) return;
  const std::lock_guard lock(mutex_);
  sweep();
  if (clients_.size() >= kMaxClients) {
    ::close(fd);
    return;
  }
  auto& client = *clients_.emplace_back(std::make_unique<Client>());
  client.connection = std::make_unique<Connection>(fd, tls_);
  client.thread = std::jthread([this, &client](const std::stop_token& stop) {
    block_sigpipe();
    serve(*client.connection, stop);
    std::unique_ptr<Connection> ended;
    {
      const std::lock_guard inner(mutex_);
      ended = std::move(client.connection);
    }
    ended.reset();  // may wait for the peer: not under the lock
    const std::lock_guard inner(mutex_);
    client.done = true;
  });
}

void Server::serve(Connection& connection, const std::stop_token& stop) {
  try {
    connection.open();
    std::string pending;
    while (!stop.stop_requested()) {
      const auto request = read_request(connection, pending);
      if (!request || !handler_(connection, *request, stop)) return;
    }
  } catch (const std::exception&) {
    // The client went away, or sent what is no HTTP: the connection ends, as a real server's would.
  }
}

void Server::sweep() {
  clients_.remove_if([](const std::unique_ptr<Client>& client) { return client->done; });
}

void Server::stop() {
  listeners_.clear();
  for (auto& socket : sockets_)
    socket.close();
  sockets_.clear();
  std::list<std::unique_ptr<Client>> last;
  {
    const std::lock_guard lock(mutex_);
    for (auto& client : clients_) {
      client->thread.request_stop();
      if (client->connection) client->connection->wake();
    }
    last.swap(clients_);
  }
  last.clear();  // joins; the threads take the mutex on their way out
}

}  // namespace surveysync::sandbox
