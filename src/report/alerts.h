#pragma once
// Carries alerts to their channels: one thread each, so that one that hangs delays no other. What is to be told waits
// in the outbox until it has arrived, and is tried again with growing waits for some days. Tells the observer of every
// attempt, and `failing` when a channel takes nothing any more or does again. Thread-safe. Never throws from its
// threads.

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/event.h"
#include "base/secret.h"
#include "report/alert_channel.h"
#include "report/outbox.h"

namespace surveysync::report {

struct AlertsOptions {
  std::vector<ChannelOptions> channels;
  std::string state_dir;  ///< of the outbox; empty: in memory
  Duration retry = std::chrono::seconds(2),
           longest_retry = std::chrono::minutes(5);  ///< doubling from one to the other
  Duration give_up = std::chrono::hours(3 * 24);     ///< the age at which a message is dropped
  Duration try_file = std::chrono::minutes(1);       ///< a file that could not be written is tried again this often
  bool takes_over = false;  ///< the daemon: what other processes were sending when it starts is sent again
  int failing_after = 5;    ///< failures in a row that people are told of
};

/// A channel that began to fail (`record.failures` above zero), or works again.
using ChannelFailing = std::function<void(const std::string& channel, const ChannelRecord& record)>;

class Alerts {
 public:
  /// References outlive it. `failing` is called on the channels' threads.
  Alerts(AlertsOptions options, Masker& masker, Observer& observer, Clock& clock, ChannelFailing failing);
  ~Alerts();
  Alerts(const Alerts&) = delete;
  Alerts& operator=(const Alerts&) = delete;

  /// Stores what is known of an incident, and with `told` queues its alert for every channel that wants it. An outbox
  /// that does not take it gives way to one in memory, until its file can be written again.
  void keep(const KnownIncident& known, bool told);
  /// It is over: queues `last`, what is said at its end, for every channel that wants it.
  void forget(const std::string& key, const std::optional<Alert>& last);
  /// Queues a message about no incident (a ping), instead of older ones of its key.
  void send(const Alert& alert);
  /// What this host knows of it.
  std::optional<KnownIncident> find(const std::string& key);
  /// All that this host knows of, the oldest first.
  std::vector<KnownIncident> incidents();
  /// For channels that forget: these are open now.
  void remind(std::vector<Alert> open);
  /// From here on these channels; messages for others are dropped.
  void use(std::vector<ChannelOptions> channels);
  /// Waits until every message has been tried once, for at most `time`.
  void flush(Duration time);

 private:
  struct Lane;
  std::vector<std::string> wanting(const Alert& alert) const;
  void wake();
  void start(const std::vector<ChannelOptions>& channels);
  void work(Lane& lane, const std::stop_token& stop);
  bool step(Lane& lane, const std::stop_token& stop);
  void send_one(Lane& lane, Outbox& box, const OutboxMessage& message, const std::stop_token& stop);
  void settle_failure(Lane& lane, Outbox& box, const OutboxMessage& message, const std::string& error,
                      std::optional<std::chrono::seconds> advice);
  void remind_due(Lane& lane, const std::stop_token& stop);
  std::shared_ptr<Outbox> outbox() const;
  void put(std::shared_ptr<Outbox> box);
  template <class Act>
  void durable(const Act& act);
  void give_way(const std::string& why);
  void try_file();

  const AlertsOptions options_;
  Masker& masker_;
  Observer& observer_;
  Clock& clock_;
  const ChannelFailing failing_;
  std::mutex door_;                            // one act on the outbox at a time; guards what follows
  std::map<std::string, KnownIncident> seen_;  // what we said last of each incident
  std::set<std::string> carried_;              // what the file knew when it gave way
  SteadyTime try_file_at_{};
  mutable std::mutex mutex_;  // guards what follows; never held while an outbox works
  std::shared_ptr<Outbox> outbox_;
  std::vector<ChannelOptions> channels_;  // who is to be told; the threads follow
  std::vector<std::shared_ptr<Lane>> lanes_;
};

}  // namespace surveysync::report
