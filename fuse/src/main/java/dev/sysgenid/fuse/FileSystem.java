// SPDX-License-Identifier: Apache-2.0
package dev.sysgenid.fuse;

/**
 * What a {@link Session} serves. Called on the session's thread, one request at a time. Each method answers its request
 * through the {@link Connection}, at once or (where it says so) later, exactly once; what it may answer is said in
 * {@link Request}.
 */
public interface FileSystem {
    /** Answered with {@link Connection#replyEntry} or an error. */
    void lookup(Request.Lookup request);

    /** Not answered. */
    void forget(long node, long lookups);

    /** Answered with {@link Connection#replyAttributes} or an error. */
    void getAttributes(Request.GetAttributes request);

    /** Answered with {@link Connection#replyExtendedAttributes} or an error. */
    void getExtendedAttributes(Request.GetExtendedAttributes request);

    /** Answered with {@link Connection#replyAttributes} or an error. */
    void setAttributes(Request.SetAttributes request);

    /** Answered with {@link Connection#replyOpen} or an error. */
    void open(Request.Open request);

    /** Answered with {@link Connection#replyData} and its like, or an error; may be answered later. */
    void read(Request.Read request);

    /** Answered with {@link Connection#replyWritten} or an error. */
    void write(Request.Write request);

    /** Answered with {@link Connection#replyIoctl} or an error; may be answered later. */
    void ioctl(Request.Ioctl request);

    /** Answered with {@link Connection#replyPoll} or an error. */
    void poll(Request.Poll request);

    /** Answered with {@link Connection#replyOk}. */
    void release(Request.Release request);

    /** Answered with {@link Connection#replyDirectory} or an error. */
    void readDirectory(Request.ReadDirectory request);

    /** Answered with {@link Connection#replyEntry} or an error. */
    void makeDirectory(Request.MakeDirectory request);

    /** Answered with {@link Connection#replyOk} or an error. */
    void removeDirectory(Request.RemoveDirectory request);

    /** Not answered: a request that is answered later is now to be answered with EINTR. One that is not known is ignored. */
    void interrupt(long unique);

    /** A message that makes no sense is answered with EIO, if it can be answered; {@code why} is for the log. */
    void malformed(String why);

    /** One of the methods above threw {@code defect}; the caller of {@code request}, if it waits, is answered with EIO. */
    void failed(Request request, RuntimeException defect);
}
