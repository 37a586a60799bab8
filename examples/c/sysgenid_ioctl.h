/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ioctls of /dev/sysgenid, for C programs. The device and its calls are described in sysgenid(4).
 *
 * Two families live on one file and are told apart by their magic number. Every argument is passed by value, as an
 * unsigned long:
 *
 *	ioctl(fd, SYSGENID_WAIT_WATCHERS, 5000UL);
 */
#ifndef SYSGENID_IOCTL_H
#define SYSGENID_IOCTL_H

#include <linux/ioctl.h>

/* The family of the driver as Amazon Linux ships it. Use this one in new programs. */
#define SYSGENID_SET_WATCHER_TRACKING	_IO(0xE4, 1)	/* 1: WAIT waits for this watcher; 0: it does not */
#define SYSGENID_WAIT_WATCHERS		_IO(0xE4, 2)	/* until nobody is outdated, or so many ms; 0: for ever */
#define SYSGENID_TRIGGER_GEN_UPDATE	_IO(0xE4, 3)	/* bump, to at least this generation; 0: no wish */

/* The family of the driver as posted in January 2021. GET has no counterpart in the other one. */
#define SYSGENID_V4_GET_OUTDATED_WATCHERS	_IO(0x2d, 1)	/* returns how many are outdated */
#define SYSGENID_V4_WAIT_WATCHERS		_IO(0x2d, 2)	/* as above, but a timeout is told by EINTR */
#define SYSGENID_V4_FORCE_GEN_UPDATE		_IO(0x2d, 3)	/* as TRIGGER */

#endif
